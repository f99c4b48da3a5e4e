import type { Host } from '../daemon/net/host.ts';

/** Methods of libp2p's GossipSub; there at run time, but private in its type. */
interface GossipParts {
  createOutboundStream(peer: { toString(): string }, connection: unknown): Promise<void>;
  graftOnSubscribe(peer: string, topic: string): boolean;
  sendGraft(peer: string, topics: readonly string[]): void;
}

/**
 * Takes a subscriber into the mesh as soon as our stream to it is open. libp2p does so only when that is before it
 * subscribes, and else with the next heartbeat, up to a second later. Clients of P2PMsg never ask to be taken in
 * themselves (we are an explicit peer to them), so they would miss the answer to their first announce.
 */
export function graftEarly({ node }: Host, topic: string): void {
  const { pubsub } = node.services;
  const parts = pubsub as unknown as GossipParts;
  if (typeof parts.createOutboundStream !== 'function' || typeof parts.graftOnSubscribe !== 'function')
    throw new Error('GossipSub of this libp2p version is built otherwise');
  const createOutboundStream = parts.createOutboundStream.bind(parts);
  parts.createOutboundStream = async (peer, connection) => {
    await createOutboundStream(peer, connection);
    const id = peer.toString();
    const subscribes = pubsub.getSubscribers(topic).some(one => one.toString() === id);
    if (subscribes && parts.graftOnSubscribe(id, topic)) parts.sendGraft(id, [topic]);
  };
}
