import type { Key } from 'ink';
import type { EditKey } from './line-editor.ts';

/** What a key means; typed text is none of these. */
export type Action =
  | { kind: 'quit' | 'help' | 'filter' | 'next' | 'back' | 'enter' | 'newline' | 'none' }
  | { kind: 'move'; by: number }
  | { kind: 'page'; by: number }
  | { kind: 'edit'; key: EditKey }
  | { kind: 'type'; text: string };

export const HELP: readonly (readonly [string, string])[] = [
  ['up, down', 'choose a conversation; read further up or down'],
  ['PgUp, PgDn', 'a page at a time'],
  ['enter', 'open the conversation; send what is typed'],
  ['ctrl-j', 'a line break in the message'],
  ['tab', 'between list and message'],
  ['esc', 'back to the list; end the filter'],
  ['/', 'filter the list by name'],
  ['ctrl-u, ctrl-w', 'delete the line, the word'],
  ['?', 'this help'],
  ['ctrl-c', 'quit (in the list also q)'],
];

const EDITING: Readonly<Record<string, EditKey>> = {
  a: 'start',
  e: 'end',
  u: 'clear',
  w: 'word',
  b: 'left',
  f: 'right',
};

/** Keys that come as one character; in a read together with others they are not told apart by ink. */
const CHARACTERS: Readonly<Record<string, Action>> = {
  '\r': { kind: 'enter' },
  '\n': { kind: 'newline' },
  '\t': { kind: 'next' },
  '\u001b': { kind: 'back' },
  '\u0003': { kind: 'quit' },
  '\u0008': { kind: 'edit', key: 'backspace' },
  '\u007f': { kind: 'edit', key: 'backspace' },
};
const NO_KEY = {} as Key;

/**
 * The actions of one event of ink. A slow line brings several keys in one read, and `hi\r` is a text and enter, not a
 * text with a line break; what is pasted comes another way. `isTyping` is asked anew before each of them.
 */
export function* actionsOf(input: string, key: Key, isTyping: () => boolean): Generator<Action> {
  if (input.length <= 1 || key.ctrl || key.meta) return yield actionOf(input, key, isTyping());
  for (const [part] of input.matchAll(/[\r\n\t\u001b\u0003\u0008\u007f]|[^\r\n\t\u001b\u0003\u0008\u007f]+/g)) {
    const character = CHARACTERS[part];
    if (character) yield character;
    else if (isTyping()) yield { kind: 'type', text: part };
    else for (const letter of part) yield isTyping() ? { kind: 'type', text: letter } : actionOf(letter, NO_KEY, false);
  }
}

/** `isTyping`: letters are text, and not commands of the list. */
function actionOf(input: string, key: Key, isTyping: boolean): Action {
  if (key.ctrl && (input === 'c' || (input === 'd' && !isTyping))) return { kind: 'quit' };
  if (key.tab) return { kind: 'next' };
  if (key.escape) return { kind: 'back' };
  if (key.return) return { kind: key.meta && isTyping ? 'newline' : 'enter' };
  if (key.upArrow) return { kind: 'move', by: -1 };
  if (key.downArrow) return { kind: 'move', by: 1 };
  if (key.pageUp) return { kind: 'page', by: -1 };
  if (key.pageDown) return { kind: 'page', by: 1 };
  if (isTyping) return whileTyping(input, key);
  if (input === 'q') return { kind: 'quit' };
  if (input === '?') return { kind: 'help' };
  if (input === '/') return { kind: 'filter' };
  if (input === 'k' || input === 'j') return { kind: 'move', by: input === 'k' ? -1 : 1 };
  return { kind: 'none' };
}

function whileTyping(input: string, key: Key): Action {
  if (key.leftArrow) return { kind: 'edit', key: 'left' };
  if (key.rightArrow) return { kind: 'edit', key: 'right' };
  if (key.home) return { kind: 'edit', key: 'start' };
  if (key.end) return { kind: 'edit', key: 'end' };
  if (key.backspace) return { kind: 'edit', key: 'backspace' };
  if (key.delete) return { kind: 'edit', key: 'delete' };
  if (input === '\n' || (key.ctrl && input === 'j')) return { kind: 'newline' };
  if (key.ctrl) {
    const editing = EDITING[input];
    return editing ? { kind: 'edit', key: editing } : { kind: 'none' };
  }
  return input === '' || key.meta ? { kind: 'none' } : { kind: 'type', text: input };
}
