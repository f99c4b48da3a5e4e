import { type Daemon, type Program, until } from '../scenarios/adapter.ts';
import { dialable, send } from '../scenarios/talk.ts';
import type { ForeignPeer, Noticed } from './foreign-peer.ts';
import { must, type Stage, tcpOf } from './stage.ts';

const SOON_MS = 20_000;
const PING = '/ipfs/ping/1.0.0';
const KAD = '/p2p_msg/kad/1.0.0';
const HOP = '/libp2p/circuit/relay/0.2.0/hop';
const STOP = '/libp2p/circuit/relay/0.2.0/stop';
const GOSSIP = '/meshsub/1.1.0';

/** Identify and ping over a direct connection, whoever dialled it. */
export async function checkLinks(stage: Stage, ours: Daemon, relay: Program): Promise<void> {
  const peer = await stage.foreign('links');
  await stage.holds('a dialled daemon tells agent, protocols and what it observed', async () => {
    await peer.ask('dial', { address: dialable(ours) });
    const seen = await identified(peer, ours.peerId);
    must(seen.agent.startsWith('p2pmsgd/') && seen.protocolVersion === '/p2p_msg/id/1.0.0', seen);
    must(holdsAll(seen, [PING, STOP, GOSSIP]), seen.protocols);
    must(seen.observed.startsWith('/ip4/127.') && seen.observed.includes('/tcp/'), seen.observed);
    must(
      seen.addresses.some(one => dialable(ours).startsWith(one.replace(/\/p2p\/.*/, ''))),
      seen.addresses,
    );
  });
  await stage.holds('a dialled relay tells agent, protocols and what it observed', async () => {
    await peer.ask('dial', { address: tcpOf(relay) });
    const seen = await identified(peer, relay.peerId);
    must(seen.agent.startsWith('p2pmsg-relay/') && seen.protocolVersion === '/p2p_msg/id/1.0.0', seen);
    must(holdsAll(seen, [PING, HOP, GOSSIP, KAD]), seen.protocols);
    must(seen.observed.startsWith('/ip4/127.'), seen.observed);
  });
  await stage.holds('it pings the daemon and the relay', async () => {
    for (const { peerId } of [ours, relay]) {
      const rttMs = await peer.ask('ping', { peer: peerId });
      must(typeof rttMs === 'number' && rttMs >= 0 && rttMs < 5_000, rttMs);
    }
  });
  await stage.holds('the daemon pings it', async () => {
    must((await pinged(ours, peer.peerId)) === 'lan', 'another path');
  });
  await peer.stop();

  const other = await stage.foreign('dialled');
  await stage.holds('the daemon dials it by its address, is identified and pings it', async () => {
    await reach(ours, tcpOf(other), other.peerId);
    const link = await other.sees('the daemon', SOON_MS, one => one.event === 'connected' && one.peer === ours.peerId);
    must((await pinged(ours, other.peerId)) === 'lan', 'another path');
    must(link.direction === 'in' && !link.relayed, link);
    const seen = await identified(other, ours.peerId);
    must(seen.agent.startsWith('p2pmsgd/') && holdsAll(seen, [PING, GOSSIP]), seen);
  });
  await other.stop();
}

/** A daemon dials whom it has something for: here a message, which this peer will never take. */
export async function reach(daemon: Daemon, address: string, peerId: string): Promise<void> {
  await daemon.post('/v1/contacts', { address });
  await send(daemon, { peerId }, 'is anybody there?');
}

/** The path of a ping that was answered. The other side may have seen the connection before we do. */
export const pinged = (daemon: Daemon, peerId: string): Promise<string> =>
  until('a ping answered', SOON_MS, async () => {
    const { status, body } = await daemon.call('POST', `/v1/peers/${peerId}/ping`);
    return status === 200 ? body.path : null;
  });

export const identified = (peer: ForeignPeer, whom: string): Promise<Noticed> =>
  peer.sees('an identified peer', SOON_MS, one => one.event === 'identified' && one.peer === whom);

const holdsAll = (seen: Noticed, protocols: readonly string[]): boolean =>
  protocols.every(one => seen.protocols.includes(one));
