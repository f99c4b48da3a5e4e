import { fold, foldWithPlaces, type Places, type Token, tokensOf } from './fold.ts';
import { pairsOf, segmentsOf, termOf } from './index-terms.ts';

/** `words`: as words, the last one as the beginning of a word. `parts`: anywhere in the text. */
export type MatchMode = 'words' | 'parts';

export interface Range {
  readonly start: number;
  readonly end: number;
}

interface Term {
  /** Without quotes, folded. */
  readonly text: string;
  readonly tokens: readonly Token[];
  /** Its last token stands for every word that begins with it. */
  readonly prefix: boolean;
}

export interface Query {
  /** All have to be in a message. */
  readonly terms: readonly Term[];
}

/** Enough to find the place in a long text; without an end a page could be some hundred times as long as its texts. */
const RANGES_MAX = 100;
const GRAM = 3;

/** "A phrase" in quotes, and words parted by blanks. Everything else is plain text: nothing here is a syntax of FTS5. */
export function parseQuery(text: string): Query {
  const found = [...text.matchAll(/"([^"]*)"|([^\s"]+)/g)];
  const terms = found.map(({ 1: quoted, 2: plain }, at): Term => {
    const folded = fold((quoted ?? plain ?? '').trim());
    return { text: folded, tokens: [...tokensOf(folded)], prefix: quoted === undefined && at === found.length - 1 };
  });
  const seen = new Set<string>();
  return {
    terms: terms.filter(
      ({ text: one, prefix }) => one !== '' && !seen.has(`${prefix}${one}`) && seen.add(`${prefix}${one}`),
    ),
  };
}

const quote = (text: string): string => `"${text.replaceAll('"', '""')}"`;

/** What FTS5 is asked for, in its syntax; null: nothing that could be looked up. It proposes, `rangesIn` decides. */
export function expressionOf(query: Query, mode: MatchMode): string | null {
  const all = query.terms.flatMap(mode === 'words' ? wordExpressions : partExpressions);
  return all.length === 0 ? null : [...new Set(all)].join(' AND ');
}

function wordExpressions({ tokens, prefix }: Term): string[] {
  const expressions: string[] = [];
  let phrase: string[] = [];
  const end = (suffix: string): void => {
    if (phrase.length > 0) expressions.push(quote(phrase.join(' ')) + suffix);
    phrase = [];
  };
  for (const segment of segmentsOf(tokens)) {
    if (segment.kind !== 'run') phrase.push(termOf(segment.text));
    else {
      end('');
      const pairs = pairsOf(segment.characters);
      expressions.push(quote((pairs.length > 0 ? pairs : segment.characters).join(' ')));
    }
  }
  end(prefix && tokens.at(-1)?.kind === 'word' ? ' *' : '');
  return expressions;
}

/** Every third trigram and the last one: together they cover the text; each more is one more long list to read. */
function partExpressions({ text }: Term): string[] {
  const characters = Array.from(text);
  const last = characters.length - GRAM;
  if (last < 0) return [];
  const starts = Array.from({ length: Math.ceil(characters.length / GRAM) }, (_, at) => Math.min(at * GRAM, last));
  return starts.map(start => quote(characters.slice(start, start + GRAM).join('')));
}

/** Where a text has what is looked for, in UTF-16 code units, in order and without overlap; null when it does not fit. */
export function rangesIn(text: string, query: Query, mode: MatchMode): Range[] | null {
  // Quick for most of what only looks alike.
  if (mode === 'parts') {
    const folded = fold(text);
    if (query.terms.some(term => !folded.includes(term.text))) return null;
  }
  const places = foldWithPlaces(text);
  const tokens = mode === 'words' ? [...tokensOf(places.folded)] : [];
  const ranges: Range[] = [];
  for (const term of query.terms) {
    if (mode === 'words' && term.tokens.length === 0) continue;
    const found = mode === 'words' ? wordsIn(tokens, term) : partsIn(places.folded, term);
    if (found.length === 0) return null;
    for (const { start, end } of found) ranges.push(placeOf(places, start, end));
  }
  return ranges.length === 0 ? null : merged(ranges);
}

function wordsIn(tokens: readonly Token[], { tokens: wanted, prefix }: Term): Range[] {
  const found: Range[] = [];
  const first = wanted[0];
  const lastAt = wanted.length - 1;
  if (first === undefined) return found;
  for (let at = 0; at + lastAt < tokens.length && found.length < RANGES_MAX; at += 1) {
    const fits = wanted.every((want, nth) => {
      const have = tokens[at + nth] as Token;
      if (have.kind !== want.kind) return false;
      if (nth > 0 && isBeside(wanted[nth - 1], want) && !isBeside(tokens[at + nth - 1], have)) return false;
      const asPrefix = prefix && nth === lastAt && want.kind === 'word';
      return asPrefix ? have.text.startsWith(want.text) : have.text === want.text;
    });
    if (!fits) continue;
    const end = (tokens[at + lastAt] as Token).at + (wanted[lastAt] as Token).text.length;
    found.push({ start: (tokens[at] as Token).at, end });
    at += lastAt;
  }
  return found;
}

/** Two characters of an unspaced script with nothing between them. */
const isBeside = (left: Token | undefined, right: Token): boolean =>
  left?.kind === 'character' && right.kind === 'character' && left.at + left.text.length === right.at;

function partsIn(folded: string, { text }: Term): Range[] {
  const found: Range[] = [];
  for (
    let at = folded.indexOf(text);
    at !== -1 && found.length < RANGES_MAX;
    at = folded.indexOf(text, at + text.length)
  )
    found.push({ start: at, end: at + text.length });
  return found;
}

const placeOf = (places: Places, start: number, end: number): Range => ({
  start: places.starts[start] ?? 0,
  end: places.ends[end - 1] ?? 0,
});

function merged(ranges: Range[]): Range[] {
  ranges.sort((a, b) => a.start - b.start || a.end - b.end);
  const out: Range[] = [];
  for (const range of ranges) {
    const last = out.at(-1);
    if (last && range.start < last.end) out[out.length - 1] = { start: last.start, end: Math.max(last.end, range.end) };
    else out.push(range);
  }
  return out.slice(0, RANGES_MAX);
}
