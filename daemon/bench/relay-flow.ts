import type { Connection, Stream } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { answerLines } from './line-process.ts';
import { loopback, openRelayClient, type RelayClient } from './relay-client.ts';

/**
 * One side of what is sent through a relay: `relay-flow.ts RELAY NET COUNT [receive]`, COUNT clients at addresses
 * 127.NET.x.y, with reservations when they are to receive. First line: `{peers}`. Question `send MIB PEER…`: each peer gets MIB over a new circuit and says when it has it all;
 * `{ms}` from the first byte until the last of them has said so.
 */
const [, , relay = '', net = '46', count = '1', role = 'send'] = process.argv;
const PROTOCOL = '/p2pmsg-bench/flow/1.0.0';
const CHUNK = new Uint8Array(64 * 1024);
const MIB = 1024 * 1024;
const LIMITED = { runOnLimitedConnection: true };

/** Four bytes say how many MiB will come; one byte back says that they have. */
function receive(stream: Stream): void {
  let wanted: number | null = null;
  let got = 0;
  stream.addEventListener('message', ({ data }) => {
    if (wanted === null) {
      const bytes = data.subarray();
      wanted = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) * MIB;
      got -= 4;
    }
    got += data.byteLength;
    if (got >= wanted) stream.send(Uint8Array.of(1));
  });
}

interface Circuit {
  readonly connection: Connection;
  readonly stream: Stream;
}

async function open({ host }: RelayClient, peer: string): Promise<Circuit> {
  const connection = await host.node.dial(multiaddr(`${relay}/p2p-circuit/p2p/${peer}`));
  return { connection, stream: await connection.newStream(PROTOCOL, LIMITED) };
}

async function send({ connection, stream }: Circuit, mib: number): Promise<void> {
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  stream.addEventListener('message', () => resolve(), { once: true });
  stream.addEventListener('close', ({ error }) => reject(error ?? new Error('the circuit was closed')), { once: true });
  const head = new Uint8Array(4);
  new DataView(head.buffer).setUint32(0, mib);
  stream.send(head);
  for (let left = (mib * MIB) / CHUNK.length; left > 0; left -= 1)
    if (!stream.send(CHUNK)) await Promise.race([drained(stream), done]);
  await done;
  await connection.close();
}

const drained = (stream: Stream): Promise<void> =>
  new Promise(resolve => stream.addEventListener('drain', () => resolve(), { once: true }));

const clients: RelayClient[] = [];
for (let at = 0; at < Number(count); at += 1) {
  const client = await openRelayClient(relay, loopback(Number(net), at));
  await client.host.node.handle(PROTOCOL, receive, LIMITED);
  if (role === 'receive') await client.reserve();
  clients.push(client);
}
const peers = clients.map(({ host }) => host.node.peerId.toString());
await answerLines({ peers }, async ([, mib = '1', ...to]) => {
  const circuits = await Promise.all(clients.slice(0, to.length).map((client, at) => open(client, to[at] ?? '')));
  const startedMs = performance.now();
  await Promise.all(circuits.map(circuit => send(circuit, Number(mib))));
  return { ms: performance.now() - startedMs };
});
