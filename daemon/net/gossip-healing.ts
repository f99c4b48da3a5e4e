import type { GossipSub } from '@libp2p/gossipsub';
import type { Identify } from '@libp2p/identify';
import type { Connection, Libp2p } from '@libp2p/interface';
import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';

const HEAL_AFTER_CLOSE_MS = 50;
const HEAL_CHECK_MS = 5_000;
const HEAL_TIMEOUT_MS = 5_000;
/** identify runs once on a new connection; without it the peer has no protocols here, gossip among them. */
const MAX_IDENTIFY_TRIES = 3;

/**
 * When one of two connections with a peer closes, GossipSub loses the stream that ran on it and does not open another:
 * publish() then reaches nobody, without an error (network page, section 6). Running identify again makes it open one.
 */
export function keepGossipStreams(
  { clock, log }: { clock: Clock; log: Logger },
  node: Libp2p<{ identify: Identify; pubsub: GossipSub }>,
): void {
  const { pubsub } = node.services;
  const healing = new Set<string>();

  const heal = (connection: Connection): void => {
    const peer = connection.remotePeer.toString();
    if (healing.has(peer)) return;
    healing.add(peer);
    node.services.identify
      .identify(connection, { signal: AbortSignal.timeout(HEAL_TIMEOUT_MS) })
      .catch((error: unknown) => log.debug({ peer, reason: String(error) }, 'identify for gossip failed'))
      .finally(() => healing.delete(peer));
  };
  const hasStream = (connections: readonly Connection[]): boolean =>
    connections.some(connection =>
      connection.streams.some(
        stream =>
          stream.direction === 'outbound' && stream.status === 'open' && pubsub.protocols.includes(stream.protocol),
      ),
    );
  const healPeer = (peer: Connection['remotePeer']): void => {
    const open = node.getConnections(peer).filter(connection => connection.status === 'open');
    const [first] = open;
    if (first && !hasStream(open)) heal(first);
  };
  const identifyTries = new WeakMap<Connection, number>();
  const check = (): void => {
    for (const peer of pubsub.getPeers()) healPeer(peer);
    for (const connection of node.getConnections()) {
      const tries = identifyTries.get(connection) ?? 0;
      if (tries >= MAX_IDENTIFY_TRIES || Date.now() - connection.timeline.open < HEAL_TIMEOUT_MS) continue;
      identifyTries.set(connection, tries + 1);
      heal(connection);
    }
  };
  node.addEventListener('peer:identify', event => {
    identifyTries.set(event.detail.connection, MAX_IDENTIFY_TRIES);
  });

  node.addEventListener('connection:close', event => {
    const peer = event.detail.remotePeer;
    clock.after(HEAL_AFTER_CLOSE_MS, () => healPeer(peer));
  });
  let timer: Timer | null = null;
  node.addEventListener('start', () => {
    timer ??= clock.every(HEAL_CHECK_MS, check);
  });
  node.addEventListener('stop', () => {
    timer?.cancel();
    timer = null;
  });
}
