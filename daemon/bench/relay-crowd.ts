import { setTimeout as pause } from 'node:timers/promises';
import { LOBBY_TOPIC } from '#api/wire/protocols';
import { encodeAnnounce } from '../presence/announce.ts';
import { answerLines } from './line-process.ts';
import { loopback, openRelayClient, type RelayClient } from './relay-client.ts';

/**
 * Clients of a relay, in one process: `relay-crowd.ts RELAY`. They listen in the lobby, as daemons do. Questions:
 *
 * `add FIRST COUNT`: opens clients, the n-th from the n-th loopback address. `{held}`
 * `announce PER_SECOND SECONDS`: says so much in the lobby, each from the next client. `{sent}`
 * `look`: who still has a reservation, and what all together have heard since the last look. `{held, heard}`
 */
const [, , relay = ''] = process.argv;
const NET = 45;
const PARALLEL = 4;
const clients: RelayClient[] = [];
let heard = 0;

const countHeld = (): number => clients.filter(client => client.holdsReservation()).length;

async function add(first: number, count: number): Promise<object> {
  const left = Array.from({ length: count }, (_, at) => first + at);
  const work = async (): Promise<void> => {
    for (let at = left.shift(); at !== undefined; at = left.shift()) {
      const client = await openRelayClient(relay, loopback(NET, at));
      await client.reserve();
      const { pubsub } = client.host.node.services;
      pubsub.addEventListener('message', () => {
        heard += 1;
      });
      pubsub.subscribe(LOBBY_TOPIC);
      clients.push(client);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return { held: countHeld() };
}

async function announce(perSecond: number, seconds: number): Promise<object> {
  const total = Math.round(perSecond * seconds);
  const startedMs = performance.now();
  for (let sent = 0; sent < total; sent += 1) {
    await pause(Math.max(0, startedMs + (sent * 1_000) / perSecond - performance.now()));
    const now = Date.now();
    const stamp = { seq: now, issuedAtUnixMs: now, refreshSeconds: 60, name: 'a client of the benchmark' };
    const { pubsub } = clients[sent % clients.length]?.host.node.services ?? {};
    await pubsub?.publish(LOBBY_TOPIC, encodeAnnounce('REFRESH', stamp));
  }
  return { sent: total };
}

await answerLines({ ready: true }, async ([verb, a = '0', b = '0']) => {
  if (verb === 'add') return add(Number(a), Number(b));
  if (verb === 'announce') return announce(Number(a), Number(b));
  const since = heard;
  heard = 0;
  return { held: countHeld(), heard: since };
});
