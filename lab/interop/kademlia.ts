import type { Program } from '../scenarios/adapter.ts';
import { identified } from './links.ts';
import { must, type Stage, tcpOf } from './stage.ts';

/** P2PMsg's own DHT with our relay as its server. */
export async function checkKademlia(stage: Stage, relay: Program): Promise<void> {
  const [one, two] = [await stage.foreign('kad-1'), await stage.foreign('kad-2')];
  for (const peer of [one, two]) {
    await peer.ask('dial', { address: tcpOf(relay) });
    await identified(peer, relay.peerId);
  }
  await stage.holds('it finds another peer through the DHT of our relay', async () => {
    const found = (await retried(() => one.ask('kad-find', { peer: two.peerId }))) as string[];
    const socket = tcpOf(two).replace(/\/p2p\/.*/, '');
    must(
      found.some(address => address.startsWith(socket)),
      found,
    );
  });
  await stage.holds('it puts a record, which another peer gets', async () => {
    const [key, value] = [`interop-${stage.language}`, 'where it is'];
    await retried(() => one.ask('kad-put', { key, value }));
    must((await retried(() => two.ask('kad-get', { key }))) === value, 'another value');
  });
  await Promise.all([one.stop(), two.stop()]);
}

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
