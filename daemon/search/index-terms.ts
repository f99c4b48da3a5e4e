import { type Token, tokensOf } from './fold.ts';

/** What is longer is indexed by its beginning; whether a message fits is decided on its text. */
const TERM_MAX_UNITS = 64;

/** The term that a word or symbol is indexed as. */
export const termOf = (word: string): string =>
  word.length > TERM_MAX_UNITS ? word.slice(0, TERM_MAX_UNITS).toWellFormed() : word;

/**
 * Terms of the index, parted by blanks. Words and symbols stand for themselves; a run of characters of an unspaced
 * script stands as its overlapping pairs, so that two neighbours are one term and more of them a phrase, and at the
 * end each of its characters once more, for queries of one.
 */
export function indexTerms(folded: string): string {
  const terms: string[] = [];
  const singles = new Set<string>();
  for (const part of segmentsOf([...tokensOf(folded)])) {
    if (part.kind !== 'run') terms.push(termOf(part.text));
    else {
      for (const pair of pairsOf(part.characters)) terms.push(pair);
      for (const character of part.characters) singles.add(character);
    }
  }
  return [...terms, ...singles].join(' ');
}

export type Segment =
  | { readonly kind: 'word' | 'symbol'; readonly text: string }
  | { readonly kind: 'run'; readonly characters: readonly string[] };

/** Neighbouring characters of unspaced scripts together, everything else by itself. */
export function segmentsOf(tokens: readonly Token[]): Segment[] {
  const segments: Segment[] = [];
  let run: string[] = [];
  let end = -1;
  for (const { kind, text, at } of tokens) {
    if (kind === 'character') {
      if (at !== end || run.length === 0) {
        run = [];
        segments.push({ kind: 'run', characters: run });
      }
      run.push(text);
      end = at + text.length;
    } else {
      segments.push({ kind, text });
      run = [];
    }
  }
  return segments;
}

export const pairsOf = (characters: readonly string[]): string[] =>
  characters.slice(1).map((character, at) => `${characters[at] ?? ''}${character}`);
