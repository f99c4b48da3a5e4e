import { type Daemon, type Program, until } from '../scenarios/adapter.ts';
import { befriend, delivered, send } from '../scenarios/talk.ts';
import type { ForeignPeer } from './foreign-peer.ts';
import { identified, pinged, reach } from './links.ts';
import { must, type Stage, tcpOf, through } from './stage.ts';

const SOON_MS = 20_000;
const RESERVED_MS = 30_000;

/** Circuits over our relay, from and to foreign peers that open no port. */
export async function checkOurRelay(stage: Stage, ours: Daemon, relay: Program): Promise<void> {
  const [caller, called] = [
    await stage.foreign('caller', { listen: [] }),
    await stage.foreign('called', { listen: [] }),
  ];
  await stage.holds('it gets a reservation at our relay', async () => {
    await called.ask('reserve', { address: tcpOf(relay) });
  });
  await stage.holds('the daemon reaches it through our relay', async () => {
    await reach(ours, through(relay, called.peerId), called.peerId);
    const link = await circuitTo(called, ours.peerId);
    must((await pinged(ours, called.peerId)) === 'relayed', 'another path');
    must(link.direction === 'in', link);
    await identified(called, ours.peerId);
    await called.ask('ping', { peer: ours.peerId });
  });
  await stage.holds('it reaches the daemon through our relay', async () => {
    await reservationAt(ours, relay.peerId);
    await caller.ask('dial', { address: through(relay, ours.peerId) });
    const link = await circuitTo(caller, ours.peerId);
    must(link.direction === 'out', link);
    const seen = await identified(caller, ours.peerId);
    must(seen.agent.startsWith('p2pmsgd/'), seen);
    await caller.ask('ping', { peer: ours.peerId });
  });
  await stage.holds('two of its kind reach each other through our relay', async () => {
    await caller.ask('dial', { address: through(relay, called.peerId) });
    await circuitTo(caller, called.peerId);
    await caller.ask('ping', { peer: called.peerId });
  });
  await Promise.all([caller.stop(), called.stop()]);
}

/**
 * Our daemons at a foreign relay with its stock limits. On loopback a reservation at go's relay names no address, since
 * it names public ones only; rust's relay serves nobody before it was told an address that others can use.
 */
export async function checkTheirRelay(stage: Stage, ours: Daemon): Promise<void> {
  const [kind, name] = ['its relay', 'relay'];
  const socket = stage.lab.address();
  const port = 4_001;
  const listen = [`/ip4/${socket}/tcp/${port}`];
  const relay = await stage.foreign(name, {
    relayServer: true,
    listen,
    ...(stage.language === 'rust' ? { external: listen } : {}),
  });
  const hidden = await stage.daemon(`behind-${name}`, { listen: ['none'], relays: [tcpOf(relay)] });
  await stage.holds(`a daemon reserves at ${kind}`, async () => {
    await reservationAt(hidden, relay.peerId);
    const { addresses } = (await hidden.get('/v1/network')) as unknown as { addresses: string[] };
    must(
      addresses.some(one => one.includes(socket) && one.includes('/p2p-circuit')),
      addresses,
    );
  });
  await stage.holds(`a foreign peer reaches it through ${kind}`, async () => {
    const caller = await stage.foreign(`caller-${name}`, { listen: [] });
    await caller.ask('dial', { address: through(relay, hidden.peerId) });
    must((await circuitTo(caller, hidden.peerId)).direction === 'out', caller.noticed);
    await identified(caller, hidden.peerId);
    await caller.ask('ping', { peer: hidden.peerId });
    await caller.stop();
  });
  await stage.holds(`a daemon delivers to it through ${kind}, and is answered`, async () => {
    await befriend(ours, hidden, through(relay, hidden.peerId));
    const answer = await send(hidden, ours, 'back through a foreign relay');
    await delivered(hidden, answer.id);
    const { path } = await hidden.get(`/v1/contacts/${ours.peerId}`);
    must(path !== undefined, path);
  });
  await hidden.stop();
  await relay.stop();
}

const circuitTo = (peer: ForeignPeer, whom: string) =>
  peer.sees('a circuit', SOON_MS, one => one.event === 'connected' && one.peer === whom && one.relayed);

export const reservationAt = (daemon: Daemon, relay: string): Promise<unknown> =>
  until('an active reservation', RESERVED_MS, async () => {
    const { relays } = await daemon.get('/v1/network');
    return relays.some(one => one.peerId === relay && one.reservation === 'active');
  });
