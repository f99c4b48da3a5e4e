import { expect, it } from 'vitest';
import type { Message } from '../api.ts';
import { displayWidth } from '../terminal-text.ts';
import { BOB, messageOf } from './fake-people.ts';
import { type Action, actionsOf } from './keys.ts';
import { endOf, messageLines, scrolled, wrapped } from './lines.ts';
import { EMPTY_LINE, edit, insert, lineOf, textOf } from './line-editor.ts';
import { EMPTY_MODEL, type Model, talksOf, withEvent } from './model.ts';
import { createScreen, layoutOf } from './screen.ts';
import type { TuiSession } from './session.ts';

const SIZE = { columns: 80, rows: 24 };
const nobody = async (): Promise<void> => undefined;

function screenOf(model: Model) {
  const sent: string[] = [];
  const session: TuiSession = {
    model: () => model,
    subscribe: () => () => undefined,
    load: nobody,
    follow: nobody,
    open: nobody,
    loadOlder: nobody,
    markRead: nobody,
    notify: () => undefined,
    send: (_id, text) => void sent.push(text),
  };
  const screen = createScreen(session);
  const press = (...actions: Action[]): void => actions.forEach(action => void screen.handle(action, SIZE));
  return { screen, press, sent };
}

const conversation = (id: string, name: string) =>
  ({ id, kind: 'direct', name, public: false, unread: 0, muted: false }) as const;
const messages = Array.from({ length: 40 }, (_, at) => messageOf(`m${at}`, `text ${at}`)) as Message[];
const MODEL: Model = {
  ...EMPTY_MODEL,
  talks: talksOf([conversation(BOB, 'Bob'), conversation('lobby', 'Lobby')], []),
  messages: new Map([[BOB, messages]]),
};

it('sends what was typed also when text and enter come in one read, before anything is drawn', () => {
  const { press, sent, screen } = screenOf(MODEL);
  press({ kind: 'enter' }, { kind: 'type', text: 'hi' }, { kind: 'newline' }, { kind: 'type', text: 'you' });
  press({ kind: 'enter' }, { kind: 'enter' }, { kind: 'type', text: '  ' }, { kind: 'enter' });
  expect(sent).toEqual(['hi\nyou']);
  expect(screen.state().focus).toBe('message');
});

it('tells keys apart that come in one read, as on a slow line', () => {
  const { screen, sent } = screenOf(MODEL);
  const key = {} as Parameters<typeof actionsOf>[1];
  for (const action of actionsOf('\rhi\u007fello\nyou\rnext\u001bq', key, () => screen.state().focus !== 'list'))
    if (screen.handle(action, SIZE) === 'quit') sent.push('quit');
  expect(sent).toEqual(['hello\nyou', 'quit']);
});

it('keeps a draft for each conversation', () => {
  const { press, screen } = screenOf(MODEL);
  press({ kind: 'enter' }, { kind: 'type', text: 'for Bob' }, { kind: 'back' }, { kind: 'move', by: 1 });
  press({ kind: 'next' }, { kind: 'type', text: 'for all' });
  expect(textOf(layoutOf(MODEL, screen.state(), SIZE).draft)).toBe('for all');
  press({ kind: 'next' }, { kind: 'move', by: -1 });
  expect(textOf(layoutOf(MODEL, screen.state(), SIZE).draft)).toBe('for Bob');
});

it('filters by name, opens what is left, and shows all again after esc', () => {
  const { press, screen } = screenOf(MODEL);
  press({ kind: 'filter' }, { kind: 'type', text: 'ＬＯ' });
  const names = (): string[] => layoutOf(MODEL, screen.state(), SIZE).talks.map(({ name }) => name);
  expect(names()).toEqual(['Lobby']);
  press({ kind: 'enter' }, { kind: 'enter' });
  expect(screen.state()).toMatchObject({ chosen: 'lobby', focus: 'message' });
  press({ kind: 'back' }, { kind: 'back' });
  expect(names()).toEqual(['Bob', 'Lobby']);
});

it('stays at the line that is being read while new messages come, and goes to the end with PgDn', () => {
  const { press, screen } = screenOf(MODEL);
  press({ kind: 'enter' }, { kind: 'page', by: -1 });
  const lastShown = (model: Model): string | undefined => {
    const { lines, end } = layoutOf(model, screen.state(), SIZE);
    return lines[end - 1]?.text;
  };
  const before = lastShown(MODEL);
  const data = messageOf('news', 'news');
  const later = withEvent(MODEL, { seq: 1, type: 'message.received', atUnixMs: 1, data });
  expect(later.messages.get(BOB)?.length).toBe(41);
  expect(lastShown(later)).toBe(before);
  expect(layoutOf(later, screen.state(), SIZE).isReading).toBe(false);
  press({ kind: 'page', by: 1 });
  expect(lastShown(later)).toContain('news');
});

it('scrolls over all lines, with a full page at the top', () => {
  const lines = messageLines(messages, [], 30, () => 'Bob');
  const top = scrolled(lines, null, -1_000, 10);
  expect(endOf(lines, top)).toBe(10);
  expect(scrolled(lines, top, 1_000, 10)).toBeNull();
  expect(endOf(lines, scrolled(lines, top, 1, 10))).toBe(11);
});

it('wraps at spaces and never wider than the pane, in any script, and escapes what is harmful', () => {
  const text = '\u001b[2Jhello wörld 漢字漢字漢字漢字 👩‍👩‍👧👩‍👩‍👧 \u202eabc averyverylongwordthatfitsnowhere\nnext';
  for (const columns of [12, 20, 33, 80]) {
    const lines = wrapped(text, columns);
    expect(lines.every(line => displayWidth(line) <= columns)).toBe(true);
    expect(lines.join('')).not.toMatch(/[\u001b\u202e]/u);
    expect(lines.slice(1).every(line => line.startsWith('      '))).toBe(true);
    expect(lines.join('').replaceAll(' ', '')).toBe(wrapped(text, 1_000).join('').replaceAll(' ', ''));
  }
});

it('edits by what a person sees as a character', () => {
  const line = insert(EMPTY_LINE, 'a👩‍👩‍👧é');
  expect(textOf(edit(line, 'backspace'))).toBe('a👩‍👩‍👧');
  expect(textOf(edit(edit(line, 'backspace'), 'backspace'))).toBe('a');
  expect(textOf(insert(edit(edit(line, 'left'), 'left'), 'b'))).toBe('ab👩‍👩‍👧é');
  expect(textOf(edit(lineOf('one two '), 'word'))).toBe('one ');
  expect(textOf(insert(insert(EMPTY_LINE, 'e'), '\u0301'))).toBe('e\u0301');
  expect(insert(insert(EMPTY_LINE, 'e'), '\u0301').before).toHaveLength(1);
  expect(textOf(insert(EMPTY_LINE, 'a\r\nb\u001b[2J\tc'))).toBe('a\nb[2J  c');
});
