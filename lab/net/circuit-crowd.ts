import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import type { Stream } from '@libp2p/interface';
import { type CircuitClient, openCircuitClient } from './circuit-client.ts';

/**
 * Many peers at one relay, in one process: `circuit-crowd.ts FOLDER RELAY COUNT [LOCAL_ADDRESS…]`; with addresses, each
 * peer comes from the next of them. Lines on stdin, a JSON line each as the answer:
 *
 * `reserve`: each asks for a reservation, those that are not connected connect first. `{held, refused, failed, lost,
 * peerIds}`
 * `open PEER CIRCUITS`: the first opens circuits to a peer. `{circuits}`
 * `flood SECONDS`: writes all it can to them, and ends them. `{bytes}`
 */
const [, , , relay = '', countText = '1', ...localAddresses] = process.argv;
const clients = new Map<number, CircuitClient>();
const HELD = 100;
const PARALLEL = 20;
const CHUNK = new Uint8Array(64 * 1024);
/** Connections that ended without our doing, since the start. */
let lost = 0;
let circuits: readonly Stream[] = [];

async function reserveOne(at: number): Promise<number> {
  let client = clients.get(at);
  if (!client?.connected) {
    if (client) lost += 1;
    clients.delete(at);
    await client?.close();
    client = await openCircuitClient(relay, localAddresses[at % Math.max(1, localAddresses.length)]);
    clients.set(at, client);
  }
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
  return { ...result, lost };
}

async function open(peer: string, count: number) {
  const client = clients.get(0) ?? (await openCircuitClient(relay, localAddresses[0]));
  clients.set(0, client);
  const opened = await Promise.allSettled(Array.from({ length: count }, () => client.connect(peer)));
  circuits = opened.flatMap(one => (one.status === 'fulfilled' ? one.value : []));
  return { circuits: circuits.length };
}

async function flood(seconds: number) {
  const untilMs = performance.now() + seconds * 1_000;
  let bytes = 0;
  const write = async (stream: Stream): Promise<void> => {
    while (performance.now() < untilMs && stream.status === 'open') {
      bytes += CHUNK.length;
      if (stream.send(CHUNK)) await pause(0);
      else
        await Promise.race([new Promise(done => stream.addEventListener('drain', done, { once: true })), pause(500)]);
    }
    stream.abort(new Error('enough'));
  };
  await Promise.all(circuits.map(stream => write(stream).catch(() => undefined)));
  return { bytes };
}

const say = (value: object): void => {
  process.stdout.write(`${JSON.stringify(value)}\n`);
};

say({ ready: true });
for await (const line of createInterface({ input: process.stdin })) {
  const [verb, first = '', second = '1'] = line.split(' ');
  if (verb === 'open') say(await open(first, Number(second)));
  else say(verb === 'flood' ? await flood(Number(first)) : await reserveAll());
}
process.exit(0);
