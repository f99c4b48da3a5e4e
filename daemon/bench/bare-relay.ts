import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import { circuitRelayServer } from '@libp2p/circuit-relay-v2';
import { identify } from '@libp2p/identify';
import { ping } from '@libp2p/ping';
import { tcp } from '@libp2p/tcp';
import { createLibp2p } from 'libp2p';

/** A relay of plain js-libp2p to compare ours with: `bare-relay.ts LISTEN`. All settings are stock but the data limit. */
const [, , listen = ''] = process.argv;
const node = await createLibp2p({
  addresses: { listen: [listen] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: {
    identify: identify(),
    ping: ping(),
    circuits: circuitRelayServer({ reservations: { defaultDataLimit: 1n << 50n } }),
  },
});
const addresses = node.getMultiaddrs().map(String);
process.stdout.write(`${JSON.stringify({ addresses, pid: process.pid })}\n`);
// It ends with the benchmark.
process.stdin.resume().once('end', () => process.exit(0));
