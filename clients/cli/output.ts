import { styleText } from 'node:util';
import { displayWidth, fit, oneLine, safeJson } from './terminal-text.ts';

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** Where results (stdout) and words to people (stderr) go. Foreign text comes here unescaped and leaves escaped. */
export interface Output {
  readonly json: boolean;
  readonly isTerminal: boolean;
  readonly columns: number;
  /** A result: the object with --json, else the lines, which the caller has made safe. */
  result(value: unknown, text: string): void;
  /** One object a line with --json, else a table. */
  table<T>(rows: readonly T[], columns: readonly Column<T>[], empty: string): void;
  /** A word to a person: nothing with --quiet or --json. */
  note(text: string): void;
  bold(text: string): string;
}

export interface Column<T> {
  readonly title: string;
  readonly value: (row: T) => string;
  /** May be cut when the table is too wide; the widest goes first. */
  readonly shrink?: true;
}

/** Off a terminal too: a table in a mail or an issue is 80 columns wide. */
const DEFAULT_COLUMNS = 80;
const GAP = 2;
const SMALLEST_COLUMN = 6;

export function createOutput({ json, quiet, stdout, stderr }: OutputOptions): Output {
  const columns = stdout.isTTY ? Math.max(40, stdout.columns || DEFAULT_COLUMNS) : DEFAULT_COLUMNS;
  // validateStream: no colour off a terminal or with NO_COLOR.
  const bold = (text: string): string => styleText('bold', text, { stream: stdout });
  const print = (text: string): void => {
    stdout.write(`${text}\n`);
  };
  return {
    json,
    isTerminal: stdout.isTTY === true,
    columns,
    bold,
    result: (value, text) => print(json ? safeJson(value) : text),
    table(rows, shape, empty) {
      if (json) for (const row of rows) print(safeJson(row));
      else if (rows.length === 0) {
        if (!quiet) stderr.write(`${empty}\n`);
      } else
        tableLines(rows, shape, columns).forEach((line, at) => {
          print(at === 0 ? bold(line) : line);
        });
    },
    note(text) {
      if (!quiet && !json) stderr.write(`${text}\n`);
    },
  };
}

/** Title line and rows, none wider than `maxColumns`. */
export function tableLines<T>(rows: readonly T[], columns: readonly Column<T>[], maxColumns: number): string[] {
  const cells = rows.map(row => columns.map(column => oneLine(column.value(row))));
  const widths = columns.map((column, at) =>
    Math.max(displayWidth(column.title), ...cells.map(row => displayWidth(row[at] ?? ''))),
  );
  const room = maxColumns - GAP * (columns.length - 1);
  while (widths.reduce((sum, width) => sum + width, 0) > room) {
    const candidates = columns.map((column, at) =>
      column.shrink && (widths[at] ?? 0) > SMALLEST_COLUMN ? (widths[at] ?? 0) : 0,
    );
    const widest = candidates.indexOf(Math.max(...candidates));
    if ((candidates[widest] ?? 0) === 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  const line = (row: readonly string[]): string =>
    fit(row.map((cell, at) => fit(cell, widths[at] ?? 0)).join(' '.repeat(GAP)), maxColumns).trimEnd();
  return [line(columns.map(column => column.title)), ...cells.map(line)];
}

/** `14:03` today, `2026-11-22 14:03` otherwise, in local time. */
export function shortTime(unixMs: number, nowUnixMs = Date.now()): string {
  const pad = (value: number): string => String(value).padStart(2, '0');
  const at = new Date(unixMs);
  const day = (date: Date): string => `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  const time = `${pad(at.getHours())}:${pad(at.getMinutes())}`;
  return day(at) === day(new Date(nowUnixMs)) ? time : `${day(at)} ${time}`;
}
