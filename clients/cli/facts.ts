import type { Output } from './output.ts';

/** One fact a line, its title in front. The values are safe for a terminal by now. */
export const facts = (lines: readonly (readonly string[])[], out: Output): string =>
  lines.map(([title = '', value = '']) => `${out.bold(title.padEnd(12))}${value}`).join('\n');
