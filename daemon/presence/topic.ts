import type { PeerId } from '#api/ids';
import type { Clock } from '../base/clock.ts';
import type { GossipMessage } from '../net/transport.ts';
import { type Announce, beginsLikeAnnounce, decodeAnnounce } from './announce.ts';
import { createBudget } from './budget.ts';
import type { ChatHandler } from './lobby.ts';

/** P2PMsg answers every announce with a WELCOME; more than this of one author is not needed by anybody. */
const ANNOUNCE_BUDGET = { burst: 20, refillPerSecond: 0.5, maxAuthors: 10_000 };

export interface TopicDeps {
  readonly clock: Clock;
  readonly chat: ChatHandler | null;
  /** Highest numbers of the author that counted. */
  highest(author: PeerId): { seq: number; gossipSeqno: bigint } | null;
  /** Ourselves, relays, blocked. */
  isHidden(author: PeerId): boolean;
  /** A well-formed announce above the highest that counted. */
  onAnnounce(announce: Announce, message: GossipMessage): void;
}

/** Sorts what comes on the lobby topic into announces and chat, and says what is worth forwarding. */
export function createTopic(deps: TopicDeps): ChatHandler {
  const budget = createBudget(deps, ANNOUNCE_BUDGET);
  /** What `validate` saw last; `receive` gets the same bytes right after. */
  let latest: { payload: Uint8Array; announce: Announce | null } | null = null;

  function decode(payload: Uint8Array): Announce | null {
    if (latest?.payload !== payload) latest = { payload, announce: decodeAnnounce(payload) };
    return latest.announce;
  }

  function isNewer(announce: Announce, message: GossipMessage): boolean {
    const highest = deps.highest(message.author);
    if (!highest) return true;
    return announce.stamp ? announce.stamp.seq > highest.seq : message.seqno > highest.gossipSeqno;
  }

  return {
    /** Faults of rate, size, grammar and replay are not forwarded. Whom we blocked is: others may want it. */
    validate(message) {
      if (!beginsLikeAnnounce(message.payload)) return deps.chat ? deps.chat.validate(message) : 'accept';
      if (!budget.take(message.author)) return 'ignore';
      const announce = decode(message.payload);
      return announce && isNewer(announce, message) ? 'accept' : 'ignore';
    },
    receive(message) {
      const isAnnounce = beginsLikeAnnounce(message.payload);
      const announce = isAnnounce ? decode(message.payload) : null;
      if (deps.isHidden(message.author)) return;
      if (!isAnnounce) deps.chat?.receive(message);
      else if (announce && isNewer(announce, message)) deps.onAnnounce(announce, message);
    },
  };
}
