import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { type CircuitClient, openCircuitClient } from './circuit-client.ts';

/**
 * Many peers at one relay, in one process: `circuit-crowd.ts FOLDER RELAY COUNT [LOCAL_ADDRESS…]`; with addresses, each
 * peer comes from the next of them. Lines on stdin, a JSON line each as the answer:
 *
 * `reserve`: each asks for a reservation, those that are not connected connect first. `{held, refused, failed, peerIds}`
 * `flood PEER CIRCUITS SECONDS`: the first opens circuits to a peer and writes all it can. `{circuits, bytes}`
 */
const [, , , relay = '', countText = '1', ...localAddresses] = process.argv;
const clients = new Map<number, CircuitClient>();
const HELD = 100;
const PARALLEL = 20;
const CHUNK = new Uint8Array(64 * 1024);

async function reserveOne(at: number): Promise<number> {
  const known = clients.get(at);
  const client = known?.connected
    ? known
    : await openCircuitClient(relay, localAddresses[at % Math.max(1, localAddresses.length)]);
  clients.set(at, client);
  return client.reserve();
}

async function reserveAll() {
  const result = { held: 0, refused: 0, failed: 0, peerIds: [] as string[] };
  const left = Array.from({ length: Number(countText) }, (_, at) => at);
  const work = async (): Promise<void> => {
    for (let at = left.shift(); at !== undefined; at = left.shift()) {
      const status = await reserveOne(at).catch((fault: unknown) => {
        process.stderr.write(`${at}: ${String(fault)}\n`);
        return null;
      });
      if (status === HELD) {
        result.held += 1;
        result.peerIds.push(clients.get(at)?.peerId ?? '');
      } else if (status === null) result.failed += 1;
      else result.refused += 1;
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return result;
}

async function flood(peer: string, circuits: number, seconds: number) {
  const client = clients.get(0) ?? (await openCircuitClient(relay, localAddresses[0]));
  const untilMs = performance.now() + seconds * 1_000;
  let [opened, bytes] = [0, 0];
  const write = async (): Promise<void> => {
    const stream = await client.connect(peer);
    opened += 1;
    while (performance.now() < untilMs && stream.status === 'open') {
      bytes += CHUNK.length;
      if (stream.send(CHUNK)) await pause(0);
      else
        await Promise.race([new Promise(done => stream.addEventListener('drain', done, { once: true })), pause(500)]);
    }
    stream.abort(new Error('enough'));
  };
  await Promise.all(Array.from({ length: circuits }, () => write().catch(() => undefined)));
  return { circuits: opened, bytes };
}

const say = (value: object): void => {
  process.stdout.write(`${JSON.stringify(value)}\n`);
};

say({ ready: true });
for await (const line of createInterface({ input: process.stdin })) {
  const [verb, peer = '', circuits = '1', seconds = '1'] = line.split(' ');
  say(verb === 'flood' ? await flood(peer, Number(circuits), Number(seconds)) : await reserveAll());
}
process.exit(0);
