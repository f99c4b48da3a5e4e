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

/** Where the programs of a check run; on loopback without namespaces. */
export interface Places {
  readonly relay: Place;
  readonly hidden: Place;
  readonly callers: Place;
}
interface Place {
  readonly namespace?: string;
  readonly ip: string;
}

/**
 * Our daemons at a foreign relay with its stock limits. `announced`: its reservations name its address. On loopback
 * go's do not, it names public ones only; rust's relay serves nobody before it was told an address of its own.
 */
export async function checkTheirRelay(stage: Stage, places: Places, announced: boolean): Promise<void> {
  const name = places.relay.namespace === undefined ? 'relay' : 'public-relay';
  const kind = announced ? 'its relay' : 'its relay that names no address';
  const listen = [`/ip4/${places.relay.ip}/tcp/4002`];
  const external = stage.language === 'rust' ? listen : [];
  const relay = await stage.foreign(name, { ...inside(places.relay), relayServer: true, listen, external });
  const hidden = await stage.daemon(`behind-${name}`, {
    ...inside(places.hidden),
    listen: ['none'],
    relays: [tcpOf(relay)],
  });
  const caller = await stage.foreign(`caller-${name}`, { ...inside(places.callers), listen: [] });
  const ours = await stage.daemon(`caller-daemon-${name}`, {
    ...inside(places.callers),
    listen: [`/ip4/${places.callers.ip}/tcp/7310`],
  });
  await stage.holds(`a daemon reserves at ${kind} and announces the circuit`, async () => {
    await reservationAt(hidden, relay.peerId);
    const circuit = `${tcpOf(relay)}/p2p-circuit`;
    const { addresses } = (await hidden.get('/v1/network')) as unknown as { addresses: string[] };
    must(
      addresses.some(one => one.startsWith(circuit)),
      addresses,
    );
  });
  await stage.holds(`a foreign peer reaches a daemon through ${kind}`, async () => {
    await caller.ask('dial', { address: through(relay, hidden.peerId) });
    must((await circuitTo(caller, hidden.peerId)).direction === 'out', caller.noticed);
    await identified(caller, hidden.peerId);
    await caller.ask('ping', { peer: hidden.peerId });
  });
  await stage.holds(`a daemon delivers to another through ${kind}, and is answered`, async () => {
    await befriend(ours, hidden, through(relay, hidden.peerId));
    const answer = await send(hidden, ours, 'back through a foreign relay');
    await delivered(hidden, answer.id);
  });
  await Promise.all([caller.stop(), hidden.stop(), ours.stop(), relay.stop()]);
}

const inside = ({ namespace }: Place) => (namespace === undefined ? {} : { namespace });

const circuitTo = (peer: ForeignPeer, whom: string) =>
  peer.sees('a circuit', SOON_MS, one => one.event === 'connected' && one.peer === whom && one.relayed);

export const reservationAt = (daemon: Daemon, relay: string): Promise<unknown> =>
  until('an active reservation', RESERVED_MS, async () => {
    const { relays } = await daemon.get('/v1/network');
    return relays.some(one => one.peerId === relay && one.reservation === 'active');
  });
