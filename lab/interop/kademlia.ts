import { type Daemon, type Program, until } from '../scenarios/adapter.ts';
import { dialable } from '../scenarios/talk.ts';
import { identified, pinged, reach } from './links.ts';
import { must, type Stage, tcpOf } from './stage.ts';

const PUBLISHED_MS = 30_000;

/** P2PMsg's own DHT, with our relay as its server: who is where, by signed address records. */
export async function checkKademlia(stage: Stage, ours: Daemon, relay: Program): Promise<void> {
  const [one, two] = [await stage.foreign('kad-1'), await stage.foreign('kad-2')];
  for (const peer of [one, two]) {
    await peer.ask('dial', { address: tcpOf(relay) });
    await identified(peer, relay.peerId);
  }
  await stage.holds('it finds another peer through the DHT of our relay', async () => {
    const found = await retried(() => one.ask('kad-find', { peer: two.peerId }));
    must(names(found, tcpOf(two)), found);
  });
  await stage.holds('our relay keeps its signed address record, and another peer gets it', async () => {
    await retried(() => one.ask('record-put', {}));
    const found = await retried(() => two.ask('record-get', { peer: one.peerId }));
    must(names(found, tcpOf(one)), found);
  });
  await stage.holds("it gets the daemon's own record", async () => {
    const found = await until('the record', PUBLISHED_MS, () =>
      one.ask('record-get', { peer: ours.peerId }).catch(() => null),
    );
    must(names(found, dialable(ours)) || names(found, `${tcpOf(relay)}/p2p-circuit`), found);
  });
  await stage.holds('the daemon finds it in the DHT by its PeerId alone', async () => {
    await reach(ours, one.peerId, one.peerId);
    must((await pinged(ours, one.peerId)) === 'lan', 'another path');
  });
  await Promise.all([one.stop(), two.stop()]);
}

/** Whether `addresses` has that one, with or without the PeerId at the end. */
const names = (addresses: unknown, wanted: string): boolean => {
  const bare = wanted.replace(/\/p2p\/[^/]+$/, '');
  return Array.isArray(addresses) && addresses.some(one => String(one).startsWith(bare));
};

/** The routing table takes a peer in some time after it was identified. */
async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 5; ; tries -= 1) {
    try {
      return await work();
    } catch (fault) {
      if (tries === 1) throw fault;
      await new Promise(resolve => setTimeout(resolve, 1_000));
    }
  }
}
