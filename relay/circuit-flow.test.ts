import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import { RELAY_V2_HOP_CODEC, RELAY_V2_STOP_CODEC } from '@libp2p/circuit-relay-v2';
import type { Libp2p } from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';
import { lpStream } from '@libp2p/utils';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import { afterEach, expect, it } from 'vitest';
import { systemClock } from '../daemon/base/clock.ts';
import { silentLogger } from '../daemon/base/logger.ts';
import { generateIdentity } from '../daemon/net/keyfile.ts';
import { patience } from '../daemon/net/until.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { createRelay } from './relay.ts';

/** HopMessage and StopMessage of circuit relay v2, as far as they are spoken here: fields 1 type, 2 peer{1 id}, 4 status. */
const RESERVE = Uint8Array.of(0x08, 0);
const CONNECT = (id: Uint8Array): Uint8Array => Uint8Array.of(0x08, 1, 0x12, id.length + 2, 0x0a, id.length, ...id);
const STOP_STATUS_OK = Uint8Array.of(0x08, 1, 0x20, 100);
const EAGER = '/multistream/1.0.0\n';

const running: { stop(): Promise<void> | void }[] = [];
afterEach(async () => {
  for (const one of running.splice(0).toReversed()) await one.stop();
});

async function node(localAddress: string): Promise<Libp2p> {
  const started = await createLibp2p({
    transports: [tcp({ dialOpts: { localAddress } as never })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // Stock is 6 s an address.
    connectionManager: { addressDialTimeout: 60_000, dialTimeout: 60_000 },
  });
  running.push(started);
  return started;
}

// go-libp2p begins to negotiate without waiting for the dialer.
it('passes on what a target sends in one go with its yes', async () => {
  const relay = await createRelay(
    { log: silentLogger, clock: systemClock, identity: generateIdentity() },
    { listen: ['/ip4/127.51.1.1/tcp/0'], announce: [], version: '9.9', limits: DEFAULT_LIMITS },
  );
  await relay.start();
  running.push(relay);
  const [dialer, target] = [await node('127.51.1.2'), await node('127.51.1.3')];
  const signal = patience();
  await target.handle(RELAY_V2_STOP_CODEC, async stream => {
    await lpStream(stream).read({ signal });
    stream.send(Buffer.concat([Uint8Array.of(STOP_STATUS_OK.length), STOP_STATUS_OK, Buffer.from(EAGER)]));
  });
  const address = multiaddr(relay.addresses()[0] ?? '');
  const reservation = lpStream(await target.dialProtocol(address, RELAY_V2_HOP_CODEC, { signal }));
  await reservation.write(RESERVE, { signal });
  await reservation.read({ signal });

  const circuit = lpStream(await dialer.dialProtocol(address, RELAY_V2_HOP_CODEC, { signal }));
  await circuit.write(CONNECT(target.peerId.toMultihash().bytes), { signal });
  await circuit.read({ signal });
  const heard = Promise.withResolvers<string>();
  const received: Uint8Array[] = [];
  circuit.unwrap().addEventListener('message', event => {
    received.push(event.data.subarray());
    const text = Buffer.concat(received).toString();
    if (text.length >= EAGER.length) heard.resolve(text);
  });
  signal.addEventListener('abort', () => heard.reject(new Error('the bytes of the target did not come')));
  expect(await heard.promise).toBe(EAGER);
});
