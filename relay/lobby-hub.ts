import { TopicValidatorResult } from '@libp2p/gossipsub';
import { GOSSIP_MAX_MESSAGE_BYTES, LOBBY_TOPIC } from '#api/wire/protocols';
import type { Clock } from '../daemon/base/clock.ts';
import { dropOldest } from '../daemon/base/drop-oldest.ts';
import { type Host, onceStarted } from '../daemon/net/host.ts';
import { graftEarly } from './early-graft.ts';

/** Messages of one author that are passed on: as many at once, and then one per period. */
const BURST = 30;
const REFILL_MS = 500;
const MAX_AUTHORS = 10_000;

export interface LobbyHub {
  /** Messages passed on and ignored since the start. */
  counts(): { readonly forwarded: number; readonly ignored: number };
}

/**
 * Joins the lobby topic so that peers who know only the relay hear each other. Payloads are passed on unread; too long
 * and too many of one author are ignored, never rejected: rejecting punishes the forwarder.
 */
export function joinLobby({ host, clock }: { host: Host; clock: Clock }): LobbyHub {
  const { pubsub } = host.node.services;
  const budgets = new Map<string, { left: number; atMs: number }>();
  let forwarded = 0;
  let ignored = 0;

  const spend = (author: string): boolean => {
    const nowMs = clock.monotonicMs();
    const budget = budgets.get(author) ?? { left: BURST, atMs: nowMs };
    const left = Math.min(BURST, budget.left + (nowMs - budget.atMs) / REFILL_MS);
    // Moved to the end: the map drops who was silent longest.
    budgets.delete(author);
    budgets.set(author, { left: Math.max(0, left - 1), atMs: nowMs });
    dropOldest(budgets, MAX_AUTHORS);
    return left >= 1;
  };

  pubsub.topicValidators.set(LOBBY_TOPIC, (_forwarder, message) => {
    const passes =
      message.type === 'signed' && message.data.length <= GOSSIP_MAX_MESSAGE_BYTES && spend(message.from.toString());
    if (passes) forwarded += 1;
    else ignored += 1;
    return passes ? TopicValidatorResult.Accept : TopicValidatorResult.Ignore;
  });
  graftEarly(host, LOBBY_TOPIC);
  onceStarted(host, () => pubsub.subscribe(LOBBY_TOPIC));
  return { counts: () => ({ forwarded, ignored }) };
}
