import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import Database from 'better-sqlite3';
import { createSearchEngine } from '../search/search-engine.ts';
import { cpuMs, memoryOf } from './process-cost.ts';
import { randomOf, searchTemplate, vocabularyOf } from './search-template.ts';

/**
 * Search of a daemon with a million messages, through HTTP: how long the index takes, how large it is, how long
 * searches for three words and pages of a conversation take. `processor`: the same in this process, without HTTP and in
 * processor time, for machines that do other things as well. Prints JSON.
 * `bin/node daemon/bench/search.bench.ts [--messages N] [--queries N] [--seed N]`
 */
const option = (name: string, byDefault: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  return at === -1 ? byDefault : Number(process.argv[at + 1]);
};
const MESSAGES = option('messages', 1_000_000);
const QUERIES = option('queries', 1_000);
const SEED = option('seed', 1);
const AFTER_IDLE_MS = 20_000;

const { home, conversations, madeMs } = await searchTemplate(MESSAGES, SEED);
rmSync(join(home, 'cache'), { recursive: true, force: true });
const program = new URL('../../bin/p2pmsgd', import.meta.url).pathname;
const args = ['serve', '--home', home, '--api', '127.0.0.1:0', '--listen', 'none', '--no-mdns', '--json'];
const daemon = spawn(program, [...args, '--log-level', 'warn'], { stdio: ['ignore', 'pipe', 'inherit'] });
let ready: { api: string; pid: number } | null = null;
for await (const line of createInterface({ input: daemon.stdout })) {
  ready = JSON.parse(line) as { api: string; pid: number };
  break;
}
if (ready === null) throw new Error('the daemon has not started');
daemon.stdout.resume();
const { api, pid } = ready;
const token = readFileSync(join(home, 'admin-token'), 'utf8').trim();

interface Page {
  readonly items: readonly { readonly id?: string; readonly message?: { readonly text: string } }[];
  readonly prev: string | null;
  readonly indexing?: { readonly done: number; readonly total: number };
}
async function get(path: string, query: Record<string, string>): Promise<Page> {
  const response = await fetch(`${api}${path}?${new URLSearchParams(query).toString()}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const body = (await response.json()) as Page;
  if (response.status !== 200) throw new Error(`${path} answered ${response.status} ${JSON.stringify(body)}`);
  return body;
}

const round = (value: number): number => Math.round(value * 10) / 10;
async function timed(ask: () => Promise<Page>): Promise<Record<string, number>> {
  const times: number[] = [];
  let found = 0;
  for (let n = 0; n < QUERIES; n += 1) {
    const fromMs = performance.now();
    found += (await ask()).items.length;
    times.push(performance.now() - fromMs);
  }
  return { ...quantiles(times), itemsPerAnswer: round(found / QUERIES) };
}
function quantiles(times: number[]): Record<string, number> {
  times.sort((a, b) => a - b);
  const at = (share: number): number => round(times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0);
  return { p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), maxMs: at(1) };
}

const asked: { q: string; conversationId?: string }[] = [];
const result: Record<string, unknown> = {
  messages: MESSAGES,
  queries: QUERIES,
  seed: SEED,
  templateSeconds: round(madeMs / 1000),
};
try {
  const idle = memoryOf(pid);
  const cpuFrom = cpuMs(pid);
  const fromMs = performance.now();
  const first = await get('/v1/search', { q: 'first' });
  result['firstAnswer'] = { ms: round(performance.now() - fromMs), indexing: first.indexing ?? null };
  let rssPeak = 0;
  while ((await get('/v1/search', { q: 'first', limit: '1' })).indexing) {
    rssPeak = Math.max(rssPeak, memoryOf(pid).rssMb);
    await new Promise(resolve => setTimeout(resolve, 500));
  }
  result['index'] = {
    seconds: round((performance.now() - fromMs) / 1000),
    cpuSeconds: round((cpuMs(pid) - cpuFrom) / 1000),
    rssPeakMb: round(rssPeak),
  };
  // What follows merges segments; searches go on meanwhile. Quiet is when a second costs no tenth of one.
  for (let before = cpuMs(pid); ; ) {
    await new Promise(resolve => setTimeout(resolve, 1_000));
    const now = cpuMs(pid);
    if (now - before < 100) break;
    before = now;
  }
  result['indexMb'] = round(statSync(join(home, 'cache', 'search.db')).size / 1e6);
  result['databaseMb'] = round(statSync(join(home, 'p2pmsg.db')).size / 1e6);

  const random = randomOf(SEED + 2);
  const { words, draw } = vocabularyOf(SEED);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const sample: string[] = [];
  for (let n = 0; n < 40; n += 1) {
    const page = await get(`/v1/conversations/${pick(conversations)}/messages`, {
      limit: '200',
      around: `018bcfe5-6800-7000-8000-${(MESSAGES - 1).toString(16).padStart(12, '0')}`,
    }).catch(() => get(`/v1/conversations/${pick(conversations)}/messages`, { limit: '200' }));
    for (const { text } of page.items as unknown as { text: string }[])
      if (text.split(' ').length > 4) sample.push(text);
  }
  const together = (): string => {
    const all = pick(sample).split(' ');
    const three = [pick(all), pick(all), pick(all)];
    return `${three[0]} ${three[1]} ${three[2]?.slice(0, 4)}`;
  };
  const search = (q: () => string, more: () => Record<string, string> = () => ({})) =>
    timed(() => {
      const query = { q: q(), ...more() };
      asked.push(query);
      return get('/v1/search', query);
    });
  const common = words.slice(0, 30);
  result['search'] = {
    threeWordsOfOneMessage: await search(together),
    threeWordsAsOftenAsInTexts: await search(() => `${draw(random)} ${draw(random)} ${draw(random)}`),
    threeRareWords: await search(() => `${pick(words)} ${pick(words)} ${pick(words)}`),
    threeOfThe30MostCommon: await search(() => `${pick(common)} ${pick(common)} ${pick(common)}`),
    threeWordsInOneConversation: await search(together, () => ({ conversationId: pick(conversations) })),
    phraseOfTwo: await search(() => {
      const all = pick(sample).split(' ');
      const at = Math.floor(random() * (all.length - 1));
      return `"${all[at]} ${all[at + 1]}"`;
    }),
  };
  result['rssSearchingMb'] = round(memoryOf(pid).rssMb);

  const cursors: (readonly [string, string])[] = [];
  for (const id of conversations) {
    let { prev } = await get(`/v1/conversations/${id}/messages`, { limit: '200' });
    for (let n = 0; n < 5 && prev !== null; n += 1) {
      cursors.push([id, prev]);
      ({ prev } = await get(`/v1/conversations/${id}/messages`, { limit: '200', before: prev }));
    }
  }
  result['page'] = {
    latest: await timed(() => get(`/v1/conversations/${pick(conversations)}/messages`, { limit: '50' })),
    older: await timed(() => {
      const [id, before] = pick(cursors);
      return get(`/v1/conversations/${id}/messages`, { limit: '50', before });
    }),
  };
  await new Promise(resolve => setTimeout(resolve, AFTER_IDLE_MS));
  result['rssMb'] = { before: round(idle.rssMb), afterTheWorkerHasEnded: round(memoryOf(pid).rssMb) };
} finally {
  process.kill(pid, 'SIGTERM');
  await once(daemon, 'exit');
}
result['processor'] = processor();
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);

function processor(): Record<string, number> {
  const paths = { databasePath: join(home, 'p2pmsg.db'), indexPath: join(home, 'cache', 'search.db') };
  const state = new Database(paths.indexPath, { readonly: true });
  const history = state.prepare("SELECT value FROM state WHERE key = 'history'").pluck().get() as string;
  state.close();
  const quiet = { removed: () => undefined, note: () => undefined, nowMs: () => 0 };
  const engine = createSearchEngine({ ...paths, history, limitMs: 1_000 }, quiet);
  const times = asked.map(({ q, conversationId }) => {
    const from = process.threadCpuUsage();
    const place = conversationId === undefined ? {} : { conversation: conversationId };
    engine.find({ text: q, limit: 50, hidden: [], ...place });
    const { user, system } = process.threadCpuUsage(from);
    return (user + system) / 1_000;
  });
  engine.close();
  return quantiles(times);
}
