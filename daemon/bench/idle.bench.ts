import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import { gossipsub } from '@libp2p/gossipsub';
import { identify } from '@libp2p/identify';
import { ping } from '@libp2p/ping';
import { tcp } from '@libp2p/tcp';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import { LOBBY_TOPIC } from '#api/wire/protocols';
import { DAEMON_MESH, gossipOptions } from '../net/gossip-options.ts';

/**
 * What a daemon costs that has nothing to do: processor time and bytes, with 0, 20 and 100 connections to small libp2p
 * peers (in another process) that listen in the lobby and say nothing. Prints JSON.
 * `bin/node daemon/bench/idle.bench.ts [--seconds N] [--connections 0,20,100]`
 */
const option = (name: string, byDefault: string): string => {
  const at = process.argv.indexOf(`--${name}`);
  return at === -1 ? byDefault : (process.argv[at + 1] ?? byDefault);
};
const SECONDS = Number(option('seconds', '120'));
const SETTLE_S = Number(option('settle', '30'));
const COUNTS = option('connections', '0,20,100').split(',').map(Number);
const DAEMON_IP = '127.44.0.1';
/** IPv4 and TCP with timestamps; what the link adds is not counted. */
const HEADER_BYTES = 52;

/** The other process: so many peers, each at an address of its own, one line when all are connected. */
async function bePeers(to: string, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    const node = await createLibp2p({
      transports: [tcp({ dialOpts: { localAddress: `127.44.${1 + Math.floor(n / 200)}.${1 + (n % 200)}` } as never })],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionMonitor: { enabled: false },
      services: {
        identify: identify(),
        ping: ping({ maxInboundStreams: 8, timeout: 86_400_000 }),
        // The same message ids as ours, or each announce is fetched again and again.
        pubsub: gossipsub(gossipOptions(DAEMON_MESH)),
      },
    });
    node.services.pubsub.subscribe(LOBBY_TOPIC);
    await node.dial(multiaddr(to));
  }
  process.stdout.write('connected\n');
}

interface Counters {
  readonly cpuMs: number;
  readonly payload: number;
  readonly segments: number;
}

async function measureAll(): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'p2pmsg-idle-'));
  const results: Record<string, unknown>[] = [];
  try {
    for (const count of COUNTS) results.push(await measure(join(root, String(count)), count));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
  process.stdout.write(`${JSON.stringify({ seconds: SECONDS, idle: results }, null, 2)}\n`);
}

async function measure(home: string, count: number): Promise<Record<string, unknown>> {
  const program = new URL('../../bin/p2pmsgd', import.meta.url).pathname;
  const args = ['serve', '--home', home, '--api', '127.0.0.1:0', '--listen', `/ip4/${DAEMON_IP}/tcp/0`];
  const daemon = spawn(program, [...args, '--no-mdns', '--json', '--log-level', 'warn'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ready = JSON.parse(await firstLine(daemon.stdout)) as { pid: number; addresses: string[] };
  const address = ready.addresses[0] ?? '';
  const peers = spawn(process.execPath, [import.meta.filename, '--peers', String(count), '--to', address], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = [daemon, peers].map(child => new Promise(resolve => child.once('exit', resolve)));
  try {
    await firstLine(peers.stdout);
    await seconds(SETTLE_S);
    const before = read(ready.pid, address);
    const fromMs = performance.now();
    await seconds(SECONDS);
    const after = read(ready.pid, address);
    const took = performance.now() - fromMs;
    const perHour = 3_600_000 / took;
    const bytes = after.payload - before.payload + (after.segments - before.segments) * HEADER_BYTES;
    return {
      connections: connectionsOf(address),
      cpuPercent: round(((after.cpuMs - before.cpuMs) / took) * 100),
      kilobytesPerHour: Math.round((bytes * perHour) / 1_000),
      kilobytesPerHourAndConnection: count === 0 ? null : Math.round((bytes * perHour) / 1_000 / count),
      rssMb: Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${ready.pid}/status`, 'utf8'))?.[1]) / 1_024),
    };
  } finally {
    process.kill(ready.pid, 'SIGTERM');
    peers.kill('SIGKILL');
    await Promise.all(gone);
  }
}

/** The kernel's counters: user and system time of the process in ticks of 10 ms, and of its TCP sockets by `ss`. */
function read(pid: number, address: string): Counters {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const sockets = socketsOf(address);
  const sum = (name: string): number =>
    [...sockets.matchAll(new RegExp(`\\b${name}:(\\d+)`, 'g'))].reduce((total, [, value]) => total + Number(value), 0);
  return {
    cpuMs: (Number(fields[11]) + Number(fields[12])) * 10,
    payload: sum('bytes_sent') + sum('bytes_received'),
    segments: sum('segs_out') + sum('segs_in'),
  };
}

/** Of the daemon's end of its connections. */
function socketsOf(address: string): string {
  const port = /tcp\/(\d+)/.exec(address)?.[1] ?? '0';
  return execFileSync('ss', ['-tinH', 'state', 'established', `( src ${DAEMON_IP} and sport = :${port} )`]).toString();
}

const connectionsOf = (address: string): number => [...socketsOf(address).matchAll(/bytes_received/g)].length;
const seconds = (count: number): Promise<void> => new Promise(resolve => setTimeout(resolve, count * 1_000));
const round = (value: number): number => Math.round(value * 1_000) / 1_000;

async function firstLine(stream: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: stream })) {
    stream.resume();
    return line;
  }
  throw new Error('the process ended');
}

if (process.argv.includes('--peers')) await bePeers(option('to', ''), Number(option('peers', '0')));
else await measureAll();
