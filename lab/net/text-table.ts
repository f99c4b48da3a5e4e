/** Rows of the same fields as a Markdown table with aligned columns; numbers to the right. */
export function textTable(rows: readonly object[]): string {
  const names = Object.keys(rows[0] ?? {});
  const cells = rows.map(row => Object.values(row).map(String));
  const widths = names.map((name, at) => Math.max(name.length, 3, ...cells.map(row => row[at]?.length ?? 0)));
  const isNumber = names.map((_, at) => rows.every(row => typeof Object.values(row)[at] === 'number'));
  const line = (texts: readonly string[]): string =>
    `| ${texts.map((text, at) => (isNumber[at] ? text.padStart(widths[at] ?? 0) : text.padEnd(widths[at] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, at) => (isNumber[at] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)));
  return [line(names), `| ${rule.join(' | ')} |`, ...cells.map(line)].join('\n');
}
