/**
 * Text as search compares it, and the tokens in it. Both the index and the search for what to highlight use only
 * this, so they cannot disagree: FTS5 gets tokens that are ready (tokenizer `ascii`: every byte above 127 belongs to
 * a token), because its own tables of Unicode know no emoji and end years before those of Node.
 *
 * Folding: NFKD (full width, ligatures), without the marks that people leave out when they type (accents of Latin,
 * Greek and Cyrillic, Hebrew points, Arabic vowels, emoji variants), lower case. Marks of other scripts carry meaning
 * and stay. The private-use planes are left out: the index marks conversations with them.
 */
const LEFT_OUT = new RegExp(
  `[${[
    // Latin, Greek, Cyrillic
    String.raw`\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f`,
    // Hebrew
    String.raw`\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7`,
    // Arabic, with the stroke that only makes words longer
    String.raw`\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u0640`,
    // Variants of a character, soft hyphen, private use
    String.raw`\ufe00-\ufe0f\u00ad\u{f0000}-\u{10ffff}`,
  ].join('')}]`,
  'gu',
);
const SPELLINGS: Readonly<Record<string, string>> = { ß: 'ss', ς: 'σ', ı: 'i', '\0': ' ' };
const ASCII = /^\p{ASCII}*$/u;
/** A character with the marks on it: nothing moves across its border when it is decomposed. */
const CLUSTER = /\P{M}\p{M}*|\p{M}+/gu;

/** Scripts that are written without spaces: each character is a token. */
const UNSPACED = String.raw`[[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Bopo}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}\p{sc=Tibetan}\p{sc=Yi}]&&[\p{L}\p{M}\p{N}]]`;
/** In this order: one character of an unspaced script, a symbol (emoji above all), a word. */
const TOKEN = new RegExp(String.raw`(${UNSPACED})|([\p{S}--\p{ASCII}])|[[\p{L}\p{M}\p{N}\p{Co}]--${UNSPACED}]+`, 'gv');

export function fold(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase().replaceAll('\0', ' ');
  return text
    .normalize('NFKD')
    .replace(LEFT_OUT, '')
    .toLowerCase()
    .replace(LEFT_OUT, '')
    .replace(/[ßςı\0]/g, spell);
}
const spell = (character: string): string => SPELLINGS[character] ?? character;

export interface Token {
  /** `character`: of a script without spaces; stands beside its neighbours without a border. */
  readonly kind: 'word' | 'character' | 'symbol';
  readonly text: string;
  /** Where it is in the folded text. */
  readonly at: number;
}

export function* tokensOf(folded: string): Generator<Token> {
  for (const match of folded.matchAll(TOKEN)) {
    const kind = match[1] === undefined ? (match[2] === undefined ? 'word' : 'symbol') : 'character';
    yield { kind, text: match[0], at: match.index };
  }
}

/** For each UTF-16 code unit of the folded text, where what it stands for begins and ends in the text. */
export interface Places {
  readonly folded: string;
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

export function foldWithPlaces(text: string): Places {
  if (ASCII.test(text)) {
    const units = Array.from({ length: text.length + 1 }, (_, unit) => unit);
    return { folded: fold(text), starts: units, ends: units.slice(1) };
  }
  const starts: number[] = [];
  const ends: number[] = [];
  let folded = '';
  for (const { 0: cluster, index } of text.matchAll(CLUSTER)) {
    const part = fold(cluster);
    folded += part;
    for (let unit = 0; unit < part.length; unit += 1) {
      starts.push(index);
      ends.push(index + cluster.length);
    }
  }
  return { folded, starts, ends };
}
