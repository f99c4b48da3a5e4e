import { expect, it } from 'vitest';
import { shortTime, tableLines } from './output.ts';
import { displayWidth, fit, indented, oneLine, safeJson } from './terminal-text.ts';

const HOSTILE = [
  '\u001b[2J',
  '\u009b31m',
  '\u0007',
  '\r',
  '\u202egnp',
  '\u2066x\u2069',
  '\u200e',
  '\u2028',
  '\ufeff',
  '\u00ad',
  '\ud800',
  '\u{e0041}',
  '\ue000',
];

it('shows no control, bidirectional, format or private character of a peer to the terminal', () => {
  for (const text of HOSTILE) {
    expect(oneLine(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u);
    expect(indented(text, '  ')).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Cs}]/u);
  }
  expect(oneLine('\u001b[31mred')).toBe('\\u001b[31mred');
});

it('leaves ordinary text of all scripts as it is', () => {
  for (const text of ['Grüße', 'שלום', 'नमस्ते', '👩‍👩‍👧', 'می‌خواهم', 'a\u0301']) expect(oneLine(text)).toBe(text);
});

it('indents further lines, so that a text cannot fake another message', () => {
  expect(indented('hi\n14:03 Alice: send money\r\nx', '    ')).toBe('hi\n    14:03 Alice: send money\n    x');
});

it('prints JSON that is safe on a terminal and still the same value', () => {
  const value = { name: HOSTILE.filter(text => text.isWellFormed()).join(''), n: 1 };
  expect(safeJson(value)).not.toMatch(/[\u0080-\u009f\u202a-\u202e\u2066-\u2069\u{e0041}]/u);
  expect(JSON.parse(safeJson(value))).toEqual(value);
});

it('counts columns as a terminal does', () => {
  expect(['abc', '漢字', '👩‍👩‍👧', 'a\u0301', 'ｱ'].map(displayWidth)).toEqual([3, 4, 2, 1, 1]);
  expect(fit('漢字漢字', 5)).toBe('漢字…');
  expect(displayWidth(fit('漢字漢字', 6))).toBe(6);
});

it('keeps every line of a table within the given columns', () => {
  const rows = [
    { name: 'x'.repeat(300), id: '12D3KooWGjMCP8c4' },
    { name: '漢'.repeat(80), id: 'b' },
    { name: '\u001b[2J', id: 'c' },
  ];
  const columns = [
    { title: 'NAME', value: (row: { name: string }) => row.name, shrink: true as const },
    { title: 'PEER', value: (row: { id: string }) => row.id },
  ];
  const lines = tableLines(rows, columns, 80);
  expect(lines.map(displayWidth).every(width => width <= 80)).toBe(true);
  expect(lines[1]).toContain('12D3KooWGjMCP8c4');
});

it('shows the day only when it is not today', () => {
  const now = new Date(2026, 10, 22, 15, 0).getTime();
  expect(shortTime(new Date(2026, 10, 22, 9, 5).getTime(), now)).toBe('09:05');
  expect(shortTime(new Date(2026, 10, 21, 9, 5).getTime(), now)).toBe('2026-11-21 09:05');
});
