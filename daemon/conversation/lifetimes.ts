import { AppError } from '#api/errors';
import type { ConversationId, PeerId } from '#api/ids';
import type { Tx } from '../store/commit-queue.ts';
import type { Lifetime } from './content.ts';
import type { Core } from './deps.ts';
import { tellConversation } from './message-record.ts';

/**
 * How far a peer may raise the version in one step: with the highest possible number it could end the user's say
 * for ever.
 */
const MAX_VERSION_STEP = 1_000;
/** Of a peer; what is longer counts as this. */
const MAX_SECONDS = 31_536_000;

/** How long new messages of a direct conversation stay after they were read. */
export function lifetimeOf(core: Core, peer: PeerId): Lifetime {
  const row = core.sql.messages.conversation.get({ id: peer });
  return { seconds: row?.disappear_after ?? 0, version: row?.disappear_version ?? 0 };
}

/** Of a message that says so itself, as a column has it. */
export const ownLifetime = ({ seconds }: Lifetime): number | null =>
  seconds === 0 ? null : Math.min(seconds, MAX_SECONDS);

/** The user sets it; the peer learns it from the next content. Returns what is to be told. */
export function setLifetime(core: Core, peer: PeerId, seconds: number): Lifetime {
  const now = lifetimeOf(core, peer);
  if (now.version >= 0xffff_ffff) throw new AppError('REQUEST_INVALID', { detail: 'It was changed too often.' });
  const next = { seconds, version: now.version + 1 };
  save(core, peer, next, core.self);
  return next;
}

/** The peer's say. Two changes at once: the higher PeerId's counts, on both sides. */
export function learnLifetime(core: Core, tx: Tx, peer: PeerId, told: Lifetime): void {
  // Where nobody has ever set it, as nearly everywhere, a message costs no look at the table.
  if (told.version === 0) return;
  const now = lifetimeOf(core, peer);
  const newer =
    told.version > now.version
      ? told.version <= now.version + MAX_VERSION_STEP
      : told.version === now.version && told.seconds !== now.seconds && peer > core.self;
  if (!newer) return;
  save(core, peer, { ...told, seconds: Math.min(told.seconds, MAX_SECONDS) }, peer);
  tellConversation(core, tx, peer as string as ConversationId);
}

function save(core: Core, peer: PeerId, { seconds, version }: Lifetime, by: PeerId): void {
  core.sql.messages.saveConversation.run({ id: peer, kind: 'direct', at: core.clock.nowUnixMs() });
  core.sql.messages.setLifetime.run({ id: peer, seconds: seconds === 0 ? null : seconds, version, by });
}
