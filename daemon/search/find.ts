import type { SideDatabase } from '../store/open-database.ts';
import { placeTermOf } from './index-file.ts';
import type { MessageSource } from './message-source.ts';
import { expressionOf, type MatchMode, parseQuery, type Query, type Range, rangesIn } from './query.ts';

export interface FindRequest {
  readonly text: string;
  readonly limit: number;
  /** Rows below this one, the nearest first. */
  readonly before?: number;
  readonly after?: number;
  /** Given with a cursor: a further page is found the same way as the first. */
  readonly mode?: MatchMode;
  /** Only this conversation. */
  readonly conversation?: string;
  /** Conversations that are not there for anybody. */
  readonly hidden: readonly string[];
}

export interface Hit {
  readonly row: number;
  readonly id: string;
  readonly ranges: readonly Range[];
}

export interface Found {
  readonly mode: MatchMode;
  /** Oldest first. */
  readonly hits: readonly Hit[];
  readonly hasOlder: boolean;
  readonly hasNewer: boolean;
  /** The time was over at this row: what lies beyond it was not looked at. */
  readonly stoppedAt?: number;
}

interface Walk {
  readonly direction: 'older' | 'newer';
  /** Exclusive. */
  readonly from: number;
  readonly limit: number;
}

/** Finds messages by the index. What the index proposes is looked at in the database: gone, foreign or changed rows are no hits. */
export function createFinder(deps: { db: SideDatabase; source: MessageSource; nowMs: () => number }) {
  const { db, source, nowMs } = deps;
  const statement = (table: MatchMode, direction: Walk['direction']) => {
    const [sign, order] = direction === 'older' ? ['<', 'DESC'] : ['>', 'ASC'];
    return db
      .prepare(`SELECT rowid FROM ${table} WHERE ${table} MATCH ? AND rowid ${sign} ? ORDER BY rowid ${order}`)
      .pluck();
  };
  const sql = {
    words: { older: statement('words', 'older'), newer: statement('words', 'newer') },
    parts: { older: statement('parts', 'older'), newer: statement('parts', 'newer') },
  };

  function expression(query: Query, mode: MatchMode, request: FindRequest): string | null {
    const text = expressionOf(query, mode);
    if (text === null) return null;
    const [inText, inPlace] = mode === 'words' ? ['{text} : ', '{place} : '] : ['', ''];
    const placed = (conversation: string): string => `${inPlace}"${placeTermOf(conversation)}"`;
    const asked = `${inText}(${text})`;
    if (request.conversation !== undefined) return `${asked} AND ${placed(request.conversation)}`;
    return asked + request.hidden.map(one => ` NOT ${placed(one)}`).join('');
  }

  /** At most `limit` hits, the nearest first; `stoppedAt`: there was no time to look beyond it. */
  function walk(query: Query, mode: MatchMode, request: FindRequest, { direction, from, limit }: Walk, endMs: number) {
    const hits: Hit[] = [];
    const asked = expression(query, mode, request);
    if (asked === null || limit === 0) return { hits, stoppedAt: undefined };
    for (const row of sql[mode][direction].iterate(asked, from) as Iterable<number>) {
      // This row was not looked at: the cursor leads to it.
      if (nowMs() > endMs) return { hits, stoppedAt: direction === 'older' ? row + 1 : row - 1 };
      const message = source.get(row);
      if (message === undefined || request.hidden.includes(message.conversation)) continue;
      if (request.conversation !== undefined && message.conversation !== request.conversation) continue;
      const ranges = rangesIn(message.text, query, mode);
      if (ranges === null) continue;
      hits.push({ row, id: message.id, ranges });
      if (hits.length === limit) break;
    }
    return { hits, stoppedAt: undefined };
  }

  return (request: FindRequest, endMs: number): Found => {
    const query = parseQuery(request.text);
    const { before, after, limit } = request;
    const direction = after === undefined ? 'older' : 'newer';
    const from = after ?? before ?? Number.MAX_SAFE_INTEGER;
    const look = (mode: MatchMode) => walk(query, mode, request, { direction, from, limit: limit + 1 }, endMs);
    let mode = request.mode ?? 'words';
    let { hits, stoppedAt } = look(mode);
    // Inside of words only when nothing fits as words: who looks for "rain" does not want all trains.
    if (
      hits.length === 0 &&
      stoppedAt === undefined &&
      request.mode === undefined &&
      expressionOf(query, 'parts') !== null
    ) {
      ({ hits, stoppedAt } = look('parts'));
      if (hits.length > 0 || stoppedAt !== undefined) mode = 'parts';
    }
    const isMore = stoppedAt !== undefined || hits.length > limit;
    const page = hits.slice(0, limit);
    if (direction === 'older') page.reverse();
    const isBehind = (): boolean => {
      if (page.length === 0 || (before === undefined && after === undefined)) return false;
      const back: Walk =
        direction === 'older'
          ? { direction: 'newer', from: from - 1, limit: 1 }
          : { direction: 'older', from: from + 1, limit: 1 };
      // When there is no time left to look: what the cursor came from was there.
      const behind = walk(query, mode, request, back, endMs);
      return behind.hits.length > 0 || behind.stoppedAt !== undefined;
    };
    const stopped = stoppedAt === undefined ? {} : { stoppedAt };
    return direction === 'older'
      ? { mode, hits: page, hasOlder: isMore, hasNewer: isBehind(), ...stopped }
      : { mode, hits: page, hasOlder: isBehind(), hasNewer: isMore, ...stopped };
  };
}
