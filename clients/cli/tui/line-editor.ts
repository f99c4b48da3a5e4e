/** The text that is being typed and where the cursor stands, counted in graphemes: one key, one character. */
export interface EditedLine {
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** More than a message can have; a paste of a whole file must not fill the screen's memory. */
const MAX_GRAPHEMES = 32 * 1024;
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const split = (text: string): string[] => [...graphemes.segment(text)].map(({ segment }) => segment);

export const EMPTY_LINE: EditedLine = { before: [], after: [] };
export const lineOf = (text: string): EditedLine => ({ before: split(text), after: [] });
export const textOf = ({ before, after }: EditedLine): string => before.join('') + after.join('');

/** Line breaks stay, tabs become spaces, other control characters (a paste may hold some) go. */
const typed = (text: string): string =>
  text
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll('\t', '  ')
    .replaceAll(/(?!\n)\p{Cc}/gu, '');

export function insert(line: EditedLine, text: string): EditedLine {
  // Joined first: a combining mark goes with what stands before it.
  const before = split(line.before.join('') + typed(text));
  return { ...line, before: before.slice(0, Math.max(0, MAX_GRAPHEMES - line.after.length)) };
}

export type EditKey = 'left' | 'right' | 'start' | 'end' | 'backspace' | 'delete' | 'clear' | 'word';

export function edit({ before, after }: EditedLine, key: EditKey): EditedLine {
  switch (key) {
    case 'left':
      return { before: before.slice(0, -1), after: [...before.slice(-1), ...after] };
    case 'right':
      return { before: [...before, ...after.slice(0, 1)], after: after.slice(1) };
    case 'start':
      return { before: [], after: [...before, ...after] };
    case 'end':
      return { before: [...before, ...after], after: [] };
    case 'backspace':
      return { before: before.slice(0, -1), after };
    case 'delete':
      return { before, after: after.slice(1) };
    case 'clear':
      return { before: [], after };
    case 'word': {
      const kept = before.join('').replace(/\S*\s*$/u, '');
      return { before: split(kept), after };
    }
  }
}
