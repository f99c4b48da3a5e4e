import { LOBBY_ID } from '#api/ids';
import { dataOf } from '#api/rest/client';
import type { components } from '#api/rest/openapi.gen';
import type { Api } from './api.ts';
import type { Cli } from './command.ts';
import { shortId } from './contact-commands.ts';
import { namesOf, wholeNumber } from './message-commands.ts';
import { type Output, shortTime } from './output.ts';
import { indented, oneLine } from './terminal-text.ts';
import { contactId } from './who.ts';

type Hit = components['schemas']['SearchHit'];
type Range = Hit['ranges'][number];

/** Conversations that are no person. */
const PLACES: readonly (string | undefined)[] = [LOBBY_ID, 'self'];
const PAGE_MAX = 200;
/** Of a long message the surroundings of the first place are shown. */
const SHOWN_BEFORE = 120;
const SHOWN = 480;

export function searchCommand(cli: Cli): void {
  cli
    .command(
      'search <query...>',
      'find messages by their words, the last one by its beginning; "words in quotes" as a phrase',
      'p2pmsg search dinner fri --in Bob',
    )
    .option('--in <who>', 'only messages with this contact; lobby or self for these two')
    .option('--limit <n>', 'how many, the latest ones', wholeNumber, 50)
    .action((words: string[], options: { in?: string; limit: number }) =>
      cli.run(async ({ api, out }) => {
        const { in: who } = options;
        const conversationId = who === undefined || PLACES.includes(who) ? who : await contactId(api, who);
        await search(
          api,
          out,
          { q: words.join(' '), ...(conversationId === undefined ? {} : { conversationId }) },
          options.limit,
        );
      }),
    );
}

async function search(
  api: Api,
  out: Output,
  query: { q: string; conversationId?: string },
  limit: number,
): Promise<void> {
  const hits: Hit[] = [];
  let before: string | null = null;
  let indexing: { done: number; total: number } | undefined;
  let match = 'words';
  // A page may be shorter than asked for.
  do {
    const place: { before?: string } = before === null ? {} : { before };
    const ask = { ...query, limit: Math.min(PAGE_MAX, Math.max(1, limit - hits.length)), ...place };
    const page = await dataOf(api.client.GET('/v1/search', { params: { query: ask } }));
    hits.unshift(...page.items);
    ({ prev: before, match } = page);
    indexing ??= page.indexing;
  } while (before !== null && hits.length < limit);

  const names = out.json ? new Map<string, string>() : await namesOf(api);
  for (const hit of hits)
    out.result(
      hit,
      hitText(hit, names, text => out.bold(text)),
    );
  if (hits.length === 0) out.note('Nothing was found.');
  else if (match === 'parts') out.note('No message has these words; they were found inside of others.');
  if (before !== null) out.note('There are older ones: see --limit.');
  if (indexing === undefined) return;
  const { done, total } = indexing;
  if (out.json) out.result({ indexing }, '');
  else out.note(`The index is being made: about ${done} of ${total} messages were searched so far, the newest first.`);
}

function hitText({ message, ranges }: Hit, names: ReadonlyMap<string, string>, bold: Output['bold']): string {
  const name = (id: string): string => oneLine(names.get(id) ?? (id.length > 20 ? shortId(id) : id));
  const { conversationId, direction, from } = message;
  const author = direction === 'out' ? 'me' : name(from);
  const where = direction === 'out' || PLACES.includes(conversationId) ? ` → ${name(conversationId)}` : '';
  return `${shortTime(message.sentAtUnixMs)} ${author}${where}: ${highlighted(message.text, ranges, bold)}`;
}

/** Foreign text, safe for a terminal, with the places found in bold. */
export function highlighted(text: string, ranges: readonly Range[], bold: (text: string) => string): string {
  const [from, to] = windowOf(text, ranges[0]?.start ?? 0);
  const shown = (start: number, end: number): string => indented(text.slice(start, end), '      ');
  let at = from;
  let line = from > 0 ? '…' : '';
  for (const range of ranges) {
    const [start, end] = [Math.max(range.start, at), Math.min(range.end, to)];
    if (start >= end) continue;
    line += shown(at, start) + bold(shown(start, end));
    at = end;
  }
  return line + shown(at, to) + (to < text.length ? '…' : '');
}

function windowOf(text: string, first: number): [from: number, to: number] {
  if (text.length <= SHOWN) return [0, text.length];
  const isSecondHalf = (at: number): boolean => /[\udc00-\udfff]/.test(text.charAt(at));
  const from = Math.max(0, first - SHOWN_BEFORE);
  const to = Math.min(text.length, from + SHOWN);
  return [from + (isSecondHalf(from) ? 1 : 0), to - (isSecondHalf(to) ? 1 : 0)];
}
