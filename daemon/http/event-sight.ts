import { EVENT_SCOPE, type EventRow } from '#api/rest/events';
import { hasScope, type Scope } from '#api/rest/scopes';
import type { Caller } from './auth.ts';

/** What one listener gets to see: the types it asked for, of the groups that its token has the scope of. */
export interface Sight {
  sees(row: EventRow): boolean;
  seesSignal(type: string, data: unknown): boolean;
}

/** A signal that is not listed here goes to admins only. */
const SIGNAL_SCOPE: Readonly<Record<string, Scope>> = { typing: 'messages:read', progress: 'files' };

export function createSight(caller: Caller, types: readonly string[] | undefined): Sight {
  const wanted = (type: string): boolean =>
    types === undefined || types.includes(type) || types.includes(`${type.slice(0, type.indexOf('.'))}.*`);

  const bound = caller.conversationId;
  const inReach = (conversation: string | null | undefined): boolean => bound === undefined || conversation === bound;

  return {
    sees(row) {
      const scope = EVENT_SCOPE[row.type];
      if (!wanted(row.type)) return false;
      if (scope === null) return true;
      return hasScope(caller.scopes, scope) && inReach(conversationOf(row));
    },
    seesSignal(type, data) {
      const scope = Object.hasOwn(SIGNAL_SCOPE, type) ? (SIGNAL_SCOPE[type] as Scope) : 'admin';
      return wanted(type) && hasScope(caller.scopes, scope) && inReach(textField(data, 'conversationId'));
    },
  };
}

/** The conversation that a row is about, null when it is about none. A direct one has the id of its peer. */
function conversationOf(row: EventRow): string | null {
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

function textField(data: unknown, name: string): string | null {
  const value = typeof data === 'object' && data !== null ? (data as Record<string, unknown>)[name] : null;
  return typeof value === 'string' ? value : null;
}
