import { EVENT_SCOPE, type EventRow } from '#api/rest/events';
import { hasScope, type Scope } from '#api/rest/scopes';
import { conversationOf, isWanted, textField } from '../feed/event-filter.ts';
import type { Caller } from './auth.ts';

/** What one listener gets to see: the types it asked for, of the groups that its token has the scope of. */
export interface Sight {
  sees(row: EventRow): boolean;
  seesSignal(type: string, data: unknown): boolean;
}

/** A signal that is not listed here goes to admins only. */
const SIGNAL_SCOPE: Readonly<Record<string, Scope>> = { typing: 'messages:read', progress: 'files' };

export function createSight(caller: Caller, types: readonly string[] | undefined): Sight {
  const bound = caller.conversationId;
  const inReach = (conversation: string | null | undefined): boolean => bound === undefined || conversation === bound;

  return {
    sees(row) {
      const scope = EVENT_SCOPE[row.type];
      if (!isWanted(types, row.type)) return false;
      if (scope === null) return true;
      return hasScope(caller.scopes, scope) && inReach(conversationOf(row));
    },
    seesSignal(type, data) {
      const scope = Object.hasOwn(SIGNAL_SCOPE, type) ? (SIGNAL_SCOPE[type] as Scope) : 'admin';
      return isWanted(types, type) && hasScope(caller.scopes, scope) && inReach(textField(data, 'conversationId'));
    },
  };
}
