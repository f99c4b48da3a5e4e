import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../store/database.ts';
import { messageQueries } from '../store/message-queries.ts';

/** Numbers from a seed: the same template on every machine. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const SYLLABLES =
  'a ba be bi bo da de di do e en er fa fe ga ge ha he i ing ka ke ki ko la le li lo ma me mi mo na ne ni no o pa pe ra re ri ro sa sche se si so ta te ti tion to u un va ve wa we zu ä ö é'.split(
    ' ',
  );
const CJK = '的一是不了人我在有他这中大来上个国说们明天见面时候地方测试消息今晚吃饭东京行';
const EMOJI = ['🎉', '👍', '❤️', '😂', '🙏🏽'];
const VOCABULARY = 40_000;
const CONVERSATIONS = 40;
const LETTERS = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/** Words as often as in a language: the few first ones make up most of a text (Zipf, as the third power of a random number). */
export function vocabularyOf(seed: number): { words: readonly string[]; draw: (random: () => number) => string } {
  const random = randomOf(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const words = Array.from({ length: VOCABULARY }, (_, rank) =>
    Array.from({ length: 1 + Math.floor(random() * (rank < 200 ? 2 : 4)) }, () => pick(SYLLABLES)).join(''),
  );
  return { words, draw: of => words[Math.floor(of() ** 3 * VOCABULARY)] ?? '' };
}

export interface Template {
  readonly home: string;
  readonly conversations: readonly string[];
  readonly madeMs: number;
}

/** A home with so many messages in 40 conversations, the lobby and notes to self; made once, kept in the temporary folder. */
export async function searchTemplate(count: number, seed: number): Promise<Template> {
  const random = randomOf(seed + 1);
  const conversations = [
    'lobby',
    'self',
    ...Array.from(
      { length: CONVERSATIONS },
      () => `12D3KooW${Array.from({ length: 44 }, () => LETTERS[Math.floor(random() * LETTERS.length)]).join('')}`,
    ),
  ];
  const home = join(tmpdir(), `p2pmsg-search-${count}-${seed}`);
  if (existsSync(home)) return { home, conversations, madeMs: 0 };
  const began = performance.now();
  const making = `${home}.${process.pid}`;
  mkdirSync(making, { mode: 0o700 });
  try {
    await fill(making, { count, seed, conversations, random });
    renameSync(making, home);
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
  return { home, conversations, madeMs: performance.now() - began };
}

const BATCH = 20_000;
const FROM_MS = 1_700_000_000_000;

async function fill(
  home: string,
  plan: { count: number; seed: number; conversations: readonly string[]; random: () => number },
): Promise<void> {
  const { random, conversations } = plan;
  const { draw } = vocabularyOf(plan.seed);
  const store = await openStore(home);
  const sql = messageQueries(store.prepare);
  for (const id of conversations)
    sql.saveConversation.run({ id, kind: id === 'lobby' || id === 'self' ? id : 'direct', at: FROM_MS });
  const text = (): string => {
    const words = Array.from({ length: 1 + Math.floor(random() ** 2 * 30) }, () => draw(random));
    if (random() < 0.1)
      words.push(
        Array.from({ length: 4 + Math.floor(random() * 12) }, () => CJK[Math.floor(random() * CJK.length)]).join(''),
      );
    if (random() < 0.15) words.push(EMOJI[Math.floor(random() * EMOJI.length)] ?? '');
    return words.join(' ');
  };
  for (let from = 0; from < plan.count; from += BATCH)
    store.atomically(() => {
      for (let n = from; n < Math.min(plan.count, from + BATCH); n += 1) {
        const conversationId = conversations[Math.floor(random() ** 2 * conversations.length)] ?? 'self';
        const isOwn = conversationId === 'self' || random() < 0.5;
        const at = FROM_MS + n * 60_000;
        const hex = n.toString(16).padStart(12, '0');
        const body = text();
        const id = `018bcfe5-6800-7000-8000-${hex}`;
        sql.insert.run({
          id,
          conversationId,
          direction: isOwn ? 'out' : 'in',
          sender: isOwn ? 'self' : conversationId,
          text: body,
          sentAt: at,
          receivedAt: isOwn ? null : at,
          state: isOwn ? 'delivered' : 'received',
          reason: null,
          content: Buffer.from(body),
          expiresAfter: null,
          eventSeq: null,
        });
        if (isOwn && conversationId.length > 5)
          sql.saveRecipient.run({ id, peer: conversationId, state: 'delivered', reason: null, at });
      }
    });
  await store.close();
}
