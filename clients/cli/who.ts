import { isPeerIdText } from '#api/ids';
import type { Api } from './api.ts';
import { contactsOf, requestsOf } from './api.ts';
import { CliFailure, EXIT } from './failure.ts';
import { oneLine } from './terminal-text.ts';

/** Somebody a command can be about. */
export interface Known {
  readonly peerId: string;
  readonly name: string;
}

export const SHORTEST_PREFIX = 8;

/**
 * PeerId, unique prefix of one (8 characters or more) or name, upper and lower case alike. Names are claims of
 * peers: a name that also fits somebody else is never resolved silently.
 * @throws CliFailure 2 with the list when it fits several, 5 when it fits nobody
 */
export function resolveWho(who: string, known: readonly Known[]): string {
  if (isPeerIdText(who)) return who;
  const plain = folded(who);
  const hits = known.filter(
    ({ peerId, name }) => folded(name) === plain || (who.length >= SHORTEST_PREFIX && peerId.startsWith(who)),
  );
  const [first, ...others] = hits;
  if (!first) {
    const hint = known.length > 0 ? `; known: ${known.slice(0, 10).map(describe).join(', ')}` : '';
    throw new CliFailure(EXIT.notFound, `nobody here is called ${oneLine(who)}${hint}`);
  }
  if (others.some(({ peerId }) => peerId !== first.peerId))
    throw new CliFailure(
      EXIT.usage,
      `${oneLine(who)} is ambiguous, give more of the PeerId: ${hits.map(describe).join(', ')}`,
    );
  return first.peerId;
}

const folded = (name: string): string => name.normalize('NFKC').trim().toLowerCase();
const describe = ({ peerId, name }: Known): string => `${oneLine(name)} (${peerId})`;

/** A contact; the list is only asked for when WHO is no PeerId. */
export const contactId = async (api: Api, who: string): Promise<string> =>
  isPeerIdText(who) ? who : resolveWho(who, await contactsOf(api));

/** Somebody who asks to become a contact. */
export const requestId = async (api: Api, who: string): Promise<string> =>
  isPeerIdText(who) ? who : resolveWho(who, await requestsOf(api));
