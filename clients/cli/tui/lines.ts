import type { Message } from '../api.ts';
import { displayWidth, fit, oneLine } from '../terminal-text.ts';
import type { Unsent } from './model.ts';

/** One line of the conversation as it stands on the screen; `text` is safe for a terminal. */
export interface Line {
  readonly messageId: string;
  readonly text: string;
  /** Delivery state, behind the text. */
  readonly state?: string;
  readonly tone: Tone;
}
export type Tone = 'plain' | 'day' | 'waiting' | 'delivered' | 'read' | 'failed';

const INDENT = '      ';
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const pad = (value: number): string => String(value).padStart(2, '0');

/** Cut at spaces where that is possible, never within a grapheme; further lines are indented. */
export function wrapped(text: string, columns: number, indent = INDENT): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split(/\r\n|\n/).map(oneLine)) {
    let line = lines.length === 0 ? '' : indent;
    let used = line.length;
    let lastSpace = -1;
    for (const { segment } of graphemes.segment(paragraph)) {
      const width = displayWidth(segment);
      if (used + width > columns) {
        // A word longer than half the line is cut where it is.
        const cutAt = lastSpace > indent.length && lastSpace > line.length / 2 ? lastSpace : line.length;
        lines.push(line.slice(0, cutAt).trimEnd());
        line = indent + line.slice(cutAt).trimStart();
        used = displayWidth(line);
        lastSpace = -1;
      }
      if (segment === ' ') lastSpace = line.length;
      line += segment;
      used += width;
    }
    lines.push(line);
  }
  return lines;
}

const TONES: Readonly<Record<Message['state'], Tone>> = {
  queued: 'waiting',
  mailbox: 'waiting',
  sent: 'delivered',
  delivered: 'delivered',
  read: 'read',
  failed: 'failed',
  expired: 'failed',
  received: 'plain',
};

/** A name may be long; the text counts. */
const AUTHOR_COLUMNS = 24;
/** Messages are never changed but replaced, so what was wrapped once stays good. Texts have up to 32 KiB each. */
const drawn = new WeakMap<Message | Unsent, { key: string; lines: readonly Line[] }>();

interface Entry {
  readonly id: string;
  readonly atUnixMs: number;
  readonly author: string;
  readonly text: string;
  readonly state: string;
  readonly tone: Tone;
}

function linesOf(
  source: Message | Unsent,
  { id, atUnixMs, author, text, state, tone }: Entry,
  columns: number,
): readonly Line[] {
  const key = `${columns} ${author}`;
  const known = drawn.get(source);
  if (known?.key === key) return known.lines;
  const at = new Date(atUnixMs);
  const name = fit(oneLine(author.slice(0, 200)), AUTHOR_COLUMNS).trimEnd();
  const own = wrapped(`${pad(at.getHours())}:${pad(at.getMinutes())} ${name}: ${text}`, columns);
  const last = own.at(-1) ?? '';
  const fits = state !== '' && displayWidth(last) + 2 + displayWidth(state) <= columns;
  const lines: Line[] = own.map((line, index) => ({
    messageId: id,
    text: line,
    tone,
    ...(fits && index === own.length - 1 ? { state: `  ${state}` } : {}),
  }));
  if (state !== '' && !fits) lines.push({ messageId: id, text: '', tone, state: INDENT + state });
  drawn.set(source, { key, lines });
  return lines;
}

/** The conversation in lines of at most `columns`, a line before each new day. */
export function messageLines(
  messages: readonly Message[],
  unsent: readonly Unsent[],
  columns: number,
  nameOf: (peerId: string) => string,
): Line[] {
  const lines: Line[] = [];
  let day = '';
  const add = (source: Message | Unsent, entry: Entry): void => {
    const at = new Date(entry.atUnixMs);
    const today = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
    if (today !== day) lines.push({ messageId: entry.id, text: `── ${today} ──`, tone: 'day' });
    day = today;
    lines.push(...linesOf(source, entry, columns));
  };
  for (const message of messages) {
    const { id, sentAtUnixMs: atUnixMs, direction, from, text, state, reason } = message;
    if (direction === 'in') add(message, { id, atUnixMs, author: nameOf(from), text, state: '', tone: 'plain' });
    else {
      const shown = `[${reason ? `${state}: ${reason}` : state}]`;
      add(message, { id, atUnixMs, author: 'me', text, state: shown, tone: TONES[state] });
    }
  }
  for (const one of unsent) add(one, { ...one, author: 'me', state: '[not sent yet]', tone: 'waiting' });
  return lines;
}

/** The last line that is shown: fixed to a message while somebody reads further up, so that news does not move it. */
export interface Anchor {
  readonly messageId: string;
  /** Which of its lines. */
  readonly line: number;
}

/** Index after the last line to show; the end without an anchor, or when its message is gone. */
export function endOf(lines: readonly Line[], anchor: Anchor | null): number {
  if (anchor === null) return lines.length;
  const first = lines.findIndex(({ messageId }) => messageId === anchor.messageId);
  if (first < 0) return lines.length;
  let count = 0;
  while (count <= anchor.line && lines[first + count]?.messageId === anchor.messageId) count += 1;
  return first + count;
}

/** The anchor `by` lines further down (up when negative); null at the end. A page of `rows` stays full. */
export function scrolled(lines: readonly Line[], anchor: Anchor | null, by: number, rows: number): Anchor | null {
  const end = Math.max(Math.min(rows, lines.length), endOf(lines, anchor) + by);
  const line = lines[end - 1];
  if (end >= lines.length || !line) return null;
  const first = lines.findIndex(({ messageId }) => messageId === line.messageId);
  return { messageId: line.messageId, line: end - 1 - first };
}
