import type { EventRow } from '#api/rest/events';

/** Whether a filter asks for a type, by its name or its group (`message.*`). Without a filter everything is wanted. */
export const isWanted = (types: readonly string[] | undefined, type: string): boolean =>
  types === undefined || types.includes(type) || types.includes(`${type.slice(0, type.indexOf('.'))}.*`);

/** The conversation that a row is about, null when it is about none. A direct one has the id of its peer. */
export function conversationOf(row: EventRow): string | null {
  switch (row.type) {
    case 'message.received':
    case 'message.sent':
    case 'message.state':
    case 'message.removed':
    case 'message.gap':
      return textField(row.data, 'conversationId');
    case 'message.healed':
      return textField(row.data, 'peerId');
    case 'conversation.changed':
      return textField(row.data, 'id');
    default:
      return null;
  }
}

export function textField(data: unknown, name: string): string | null {
  const value = typeof data === 'object' && data !== null ? (data as Record<string, unknown>)[name] : null;
  return typeof value === 'string' ? value : null;
}
