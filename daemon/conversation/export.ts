import type { ConversationId, PeerId } from '#api/ids';
import type { Message } from '#api/rest/messages';
import type { Page, PageQuery } from '#api/rest/primitives';
import { cursorOfRow } from '../base/paging.ts';

export type ExportFormat = 'ndjson' | 'markdown';

/** Read and handed out in pieces of this many messages: a history of years is never in memory as a whole. */
const PIECE = 200;

/** All messages of a conversation, oldest first. What is deleted meanwhile is left out, what comes meanwhile is in it. */
export async function* exportConversation(
  deps: {
    readonly list: (id: ConversationId, query: PageQuery) => Page<Message>;
    readonly title: string;
    readonly nameOf: (peer: PeerId) => string;
    readonly nowUnixMs: number;
  },
  { id, format }: { readonly id: ConversationId; readonly format: ExportFormat },
): AsyncGenerator<string> {
  if (format === 'markdown') yield `# ${inline(deps.title)}\n\nExported ${stamp(deps.nowUnixMs)}.\n`;
  // Before the first row.
  let after = cursorOfRow(0);
  for (;;) {
    const { items, next } = deps.list(id, { limit: PIECE, after });
    if (items.length > 0)
      yield items.map(one => (format === 'ndjson' ? line(one) : section(one, deps.nameOf))).join('');
    if (next === null) return;
    after = next;
  }
}

const line = (message: Message): string => `${JSON.stringify(message)}\n`;

function section(message: Message, nameOf: (peer: PeerId) => string): string {
  const state = message.direction === 'out' ? ` · ${message.state}` : '';
  const text = escaped(message.text)
    .split(/\r\n|[\n\r\u2028\u2029]/)
    .map(one => `> ${one}`)
    .join('  \n');
  return `\n**${inline(nameOf(message.from))}** · ${stamp(message.sentAtUnixMs)}${state}\n\n${text}\n`;
}

const stamp = (unixMs: number): string =>
  new Date(unixMs)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, ' UTC');
/** A page made of it shows what was written, and runs nothing of it. */
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const inline = (text: string): string =>
  escaped(text)
    .replace(/[\\`*_[\]#]/g, '\\$&')
    .replace(/\s+/g, ' ');
