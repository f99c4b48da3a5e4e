/**
 * What a terminal must not get from a peer: C0 and C1 controls (escape sequences), bidirectional and other format
 * characters (they reorder or hide text), line and paragraph separators, lone surrogates, private-use characters.
 * The joiners U+200C and U+200D stay: scripts and emoji need them and they move nothing.
 */
const HARMFUL = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;

const escaped = (character: string): string => {
  const point = character.codePointAt(0) ?? 0;
  return point > 0xffff ? `\\u{${point.toString(16)}}` : `\\u${point.toString(16).padStart(4, '0')}`;
};

/** One line of foreign text for a terminal; what is harmful is shown as its code. */
export const oneLine = (text: string): string => text.replace(HARMFUL, escaped);

/** Foreign text with its line breaks; every further line is indented, so that it cannot pass for one of ours. */
export const indented = (text: string, indent: string): string =>
  text
    .split(/\r\n|\n/)
    .map(oneLine)
    .join(`\n${indent}`);

/** JSON whose strings are safe to print: JSON leaves C1 controls and bidirectional characters as they are. */
export const safeJson = (value: unknown): string =>
  JSON.stringify(value).replace(HARMFUL, character =>
    [...Array(character.length).keys()]
      .map(at => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
      .join(''),
  );

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
/** East Asian wide ranges and emoji: what terminals draw two columns wide. */
const WIDE =
  /\p{Emoji_Presentation}|\ufe0f|[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}]/u;

const columnsOf = (grapheme: string): number => (/^\p{M}+$/u.test(grapheme) ? 0 : WIDE.test(grapheme) ? 2 : 1);

/** How many columns of a terminal the text takes. */
export function displayWidth(text: string): number {
  let columns = 0;
  for (const { segment } of graphemes.segment(text)) columns += columnsOf(segment);
  return columns;
}

/** Cut to `columns`, with an ellipsis where something is missing, filled up with spaces. */
export function fit(text: string, columns: number): string {
  const width = displayWidth(text);
  if (width <= columns) return text + ' '.repeat(columns - width);
  let cut = '';
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    if (used + columnsOf(segment) > columns - 1) break;
    cut += segment;
    used += columnsOf(segment);
  }
  return `${cut}…${' '.repeat(Math.max(0, columns - used - 1))}`;
}
