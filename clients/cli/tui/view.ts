import { Text } from 'ink';
import { createElement as h, type ReactElement, type ReactNode } from 'react';
import { displayWidth, fit, oneLine } from '../terminal-text.ts';
import { HELP } from './keys.ts';
import type { Line, Tone } from './lines.ts';
import type { Model, Presence, Talk } from './model.ts';

/** Colours only where they may be: shapes and words say the same. */
export type Paint = (color: string) => { color?: string };

const TONE_COLORS: Readonly<Record<Tone, string | null>> = {
  plain: null,
  day: 'gray',
  waiting: 'yellow',
  delivered: 'green',
  read: 'cyan',
  failed: 'red',
};
const DOTS: Readonly<Record<Presence, string>> = { online: '●', away: '◐', offline: '○', unknown: '·' };

/** One text with spans in it, and not a box of texts: a screen has many, and each box is laid out on its own. */
const row = (key: string, ...children: ReactNode[]): ReactElement => h(Text, { key, wrap: 'truncate' }, ...children);

/** Each row is exactly `columns` wide: what stood there before is written over. */
const plain = (key: string, text: string, columns: number, props: object = {}): ReactElement =>
  h(Text, { key, wrap: 'truncate', ...props }, fit(text, columns));

export function headerRow(model: Model, columns: number): ReactElement {
  const talks = [...model.talks.values()];
  const online = talks.filter(talk => talk.presence === 'online').length;
  const unread = talks.reduce((sum, talk) => sum + talk.unread, 0);
  const facts = [
    model.connected ? `${online} online` : 'DAEMON AWAY, trying again',
    ...(unread > 0 ? [`${unread} unread`] : []),
    ...(model.requests > 0 ? [`${model.requests} asking`] : []),
  ].join(' · ');
  const room = Math.max(0, columns - displayWidth(facts) - 3);
  return row('header', plain('text', ` ${fit(oneLine(model.ownName), room)} ${facts} `, columns, { inverse: true }));
}

export function listRows(
  talks: readonly Talk[],
  options: { selected: number; rows: number; columns: number; isActive: boolean; paint: Paint },
): ReactElement[] {
  const { selected, rows, columns, isActive, paint } = options;
  // The chosen one stays in sight, in the middle where that is possible.
  const from = Math.max(0, Math.min(selected - Math.floor(rows / 2), talks.length - rows));
  return Array.from({ length: rows }, (_, index) => {
    const talk = talks[from + index];
    if (!talk) return row(`empty-${index}`, plain('text', '', columns));
    const isSelected = from + index === selected;
    const unread = talk.unread > 0 ? ` ${talk.unread > 99 ? '99+' : talk.unread}` : '';
    const dot = talk.isPublic ? '#' : talk.presence === null ? ' ' : DOTS[talk.presence];
    const name = fit(oneLine(talk.name), Math.max(0, columns - 4 - unread.length));
    return row(
      talk.id,
      h(Text, { key: 'mark', inverse: isSelected && isActive }, isSelected ? '>' : ' '),
      h(Text, { key: 'dot', ...(talk.presence === 'online' ? paint('green') : {}) }, ` ${dot} `),
      h(Text, { key: 'name', wrap: 'truncate', bold: talk.unread > 0, inverse: isSelected && isActive }, name),
      h(Text, { key: 'unread', bold: true, ...paint('yellow') }, unread),
    );
  });
}

export function messageRows(
  lines: readonly Line[],
  options: { rows: number; columns: number; paint: Paint; empty: string },
): ReactElement[] {
  const { rows, columns, paint, empty } = options;
  const shown = lines.length === 0 ? [{ messageId: 'none', text: empty, tone: 'day' as const }] : lines.slice(-rows);
  const blank = Array.from({ length: Math.max(0, rows - shown.length) }, (_, index) =>
    row(`blank-${index}`, plain('text', '', columns)),
  );
  return [
    ...blank,
    ...shown.map((line: Line, index) => {
      const color = TONE_COLORS[line.tone];
      const props = color === null ? {} : paint(color);
      const state = line.state ?? '';
      const text = state === '' ? fit(line.text, columns) : line.text;
      return row(
        `${line.messageId}-${index}`,
        h(Text, { key: 'text', wrap: 'truncate', ...(line.tone === 'day' ? { dimColor: true } : {}) }, text),
        h(Text, { key: 'state', ...props }, fit(state, Math.max(0, columns - displayWidth(text)))),
      );
    }),
  ];
}

export function talkTitle(talk: Talk | undefined, columns: number): ReactElement {
  const name = talk ? oneLine(talk.name) : 'No conversation';
  const about = !talk
    ? ''
    : talk.isPublic
      ? ' (public, not encrypted)'
      : talk.presence === null
        ? ''
        : `  ${DOTS[talk.presence]} ${talk.presence}`;
  const room = Math.max(4, columns - displayWidth(about));
  const title = displayWidth(name) > room ? fit(name, room) : name;
  return row('title', plain('text', `${title}${about}`, columns, { bold: true }));
}

/** At the bottom of the list pane and of the help; the rest is in docs/cli.md. */
export function helpRows(rows: number, columns: number): ReactElement[] {
  const lines = [['Keys', ''], ...HELP].map(([keys = '', what = '']) => `${keys.padEnd(16)}${what}`);
  return Array.from({ length: rows }, (_, index) =>
    row(`help-${index}`, plain('text', lines[index] ?? '', columns, { bold: index === 0 })),
  );
}

/** The end of the text that is typed, so that the cursor is in sight; and the column of the cursor. */
export function inputText(
  before: readonly string[],
  after: readonly string[],
  columns: number,
): { text: string; cursor: number } {
  const shown = (part: readonly string[]): string =>
    part.map(grapheme => (grapheme === '\n' ? '↵' : oneLine(grapheme))).join('');
  let start = 0;
  const room = Math.max(1, columns - 1);
  let width = displayWidth(shown(before));
  while (width > room && start < before.length) {
    width -= displayWidth(shown(before.slice(start, start + 1)));
    start += 1;
  }
  return { text: fit(shown(before.slice(start)) + shown(after), columns), cursor: width };
}
