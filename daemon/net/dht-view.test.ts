import { peerIdFromString } from '@libp2p/peer-id';
import { expect, it } from 'vitest';
import { viewOfDht } from './dht-view.ts';
import type { HostComponents } from './host.ts';
import { generateIdentity } from './keyfile.ts';

it('neither dials who is away nor asks libp2p to call its closest peers again and again', async () => {
  const [away, other] = [generateIdentity().peerId, generateIdentity().peerId];
  const opened: string[] = [];
  const tagged: unknown[] = [];
  const components = {
    connectionManager: {
      openStream: (peer: unknown) => Promise.resolve(opened.push(String(peer))),
      getConnections: () => ['one'],
    },
    peerStore: {
      merge: (_: unknown, data: object) => Promise.resolve(tagged.push(data)),
      has: () => Promise.resolve(true),
    },
    peerId: peerIdFromString(other),
  } as unknown as HostComponents;
  const view = viewOfDht(components, peer => peer === away);

  await expect(view.connectionManager.openStream(peerIdFromString(away), '/x')).rejects.toThrow('away');
  await view.connectionManager.openStream(peerIdFromString(other), '/x');
  expect(opened).toEqual([other]);
  expect(view.connectionManager.getConnections()).toEqual(['one']);
  expect(view.peerId.toString()).toBe(other);
  expect(await view.peerStore.has(peerIdFromString(other))).toBe(true);

  const id = peerIdFromString(other);
  await view.peerStore.merge(id, { tags: { 'kad-peer': { value: 1 }, 'keep-alive-kad-dht': { value: 1 } } });
  await view.peerStore.merge(id, { tags: { 'kad-peer': undefined, 'keep-alive-kad-dht': undefined } });
  await view.peerStore.merge(id, { multiaddrs: [] });
  expect(tagged).toEqual([
    { tags: { 'kad-peer': { value: 1 } } },
    { tags: { 'kad-peer': undefined, 'keep-alive-kad-dht': undefined } },
    { multiaddrs: [] },
  ]);
});
