import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { AppError } from '#api/errors';
import type { PeerId } from '#api/ids';
import { LOBBY_TOPIC } from '#api/wire/protocols';
import type { Network, NetworkOptions } from './network.ts';
import { createTestNetwork } from './network-fixture.ts';
import type { FrameStream } from './transport.ts';
import { patience, until } from './until.ts';

const PROTOCOL = '/p2pmsg-test/relays/1';
const LIMITS = { maxInboundStreams: 4, maxOutboundStreams: 4 };
const ready = z.object({ event: z.literal('ready'), peerId: z.string(), addresses: z.array(z.string()).min(1) });

/** The relay as it is shipped: a process that can be killed. */
interface RelayProgram {
  readonly peer: PeerId;
  readonly address: string;
  readonly process: ChildProcess;
}

describe('relays', () => {
  let folder = '';
  const programs: ChildProcess[] = [];
  const networks: Network[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'relays-'));
  });
  afterEach(async () => {
    await Promise.all(networks.splice(0).map(network => network.stop()));
    for (const program of programs.splice(0)) await kill(program);
    rmSync(folder, { recursive: true });
  });

  async function startRelay(home: string, listen: string, flags: string[] = []): Promise<RelayProgram> {
    const root = new URL('../../', import.meta.url).pathname;
    const args = [
      'serve',
      '--home',
      join(folder, home),
      '--listen',
      listen,
      '--log-level',
      'silent',
      '--json',
      ...flags,
    ];
    const env = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'p2pmsg-test-compile-cache') };
    const program = spawn(join(root, 'bin/p2pmsg-relay'), args, { stdio: ['ignore', 'pipe', 'inherit'], env });
    programs.push(program);
    for await (const line of program.stdout.setEncoding('utf8')) {
      const { peerId, addresses } = ready.parse(JSON.parse(String(line)));
      return { peer: peerId as PeerId, address: addresses[0] ?? '', process: program };
    }
    throw new Error('the relay ended');
  }

  async function startNetwork(options: Partial<NetworkOptions>): Promise<Network> {
    const network = await createTestNetwork({ home: folder, ...options });
    networks.push(network);
    return network;
  }

  const reservationOf = (network: Network): string | undefined => network.state().relays[0]?.reservation;
  const reserved = (...all: Network[]): Promise<void> =>
    until(() => all.every(network => reservationOf(network) === 'active'));
  const open = (from: Network, to: Network): Promise<FrameStream> =>
    from.transport.openStream(to.transport.self, PROTOCOL, { signal: patience() });
  const echo = async (network: Network): Promise<void> => {
    await network.transport.handle(PROTOCOL, LIMITS, async stream => {
      for await (const batch of stream.frames()) await stream.sendAll(batch);
      await stream.close();
    });
  };
  const exchange = async (from: Network, to: Network): Promise<void> => {
    const stream = await open(from, to);
    await stream.send(Uint8Array.of(42));
    const { value } = await stream.frames()[Symbol.asyncIterator]().next();
    expect(value).toEqual([Uint8Array.of(42)]);
    await stream.close();
  };

  it('let peers without any open port reach each other and hear each other in the lobby', async () => {
    const relay = await startRelay('r', '/ip4/127.40.1.1/tcp/0');
    const a = await startNetwork({ relays: [relay.address] });
    const b = await startNetwork({ relays: [`${relay.address}/p2p-circuit`] });
    const heard: string[] = [];
    for (const network of [a, b])
      network.transport.subscribe(LOBBY_TOPIC, {
        validate: () => 'accept',
        receive: message => heard.push(`${message.author} ${new TextDecoder().decode(message.payload)}`),
      });
    await echo(b);
    await a.start();
    await b.start();
    await reserved(a, b);
    expect(a.state().addresses.some(address => address.startsWith(`${relay.address}/p2p-circuit/p2p/`))).toBe(true);
    // Whether the relay knows of b yet shows only by what arrives.
    await until(async () => {
      await a.transport.publish(LOBBY_TOPIC, Buffer.from('over the relay'));
      return heard.length > 0;
    });
    expect(new Set(heard)).toEqual(new Set([`${a.transport.self} over the relay`]));
    await exchange(a, b);
    expect(a.transport.connection(b.transport.self)).toMatchObject({ path: 'relayed', relay: relay.peer });
    expect(a.transport.connection(b.transport.self)?.dataLimitBytes).toBeGreaterThan(60 * 1024 * 1024);
    expect(a.relays.isInfrastructure(relay.peer)).toBe(true);
    const info = a.transport.pathInfo?.(b.transport.self);
    expect(info).toMatchObject({
      note: expect.stringMatching(/^(no direct address is known|the peer names no direct address)/),
    });
    expect(Math.min(info?.bytesIn ?? 0, info?.bytesOut ?? 0)).toBeGreaterThan(500);
  });

  it('are found again after kill -9 and restart, and peers reach each other again', async () => {
    let relay = await startRelay('r', '/ip4/127.40.2.1/tcp/0');
    const listen = relay.address.split('/p2p/')[0] ?? '';
    const a = await startNetwork({ relays: [relay.address] });
    const b = await startNetwork({ relays: [relay.address] });
    await echo(b);
    await a.start();
    await b.start();
    await reserved(a, b);
    // How soon is asked of the supervisor on its own clock (relays-care.test.ts) and of the programs in the lab.
    for (const failedTries of [0, 3]) {
      await exchange(a, b);
      await kill(relay.process);
      await until(() => reservationOf(a) === 'lost' && a.transport.connectedPeers().length === 0);
      expect(a.state().relays[0]?.nextTryUnixMs).toBeGreaterThan(Date.now() - 60_000);
      const tries = new Set<number | undefined>();
      await until(() => tries.add(a.state().relays[0]?.nextTryUnixMs).size > failedTries);
      relay = await startRelay('r', listen);
      await reserved(a, b);
      await exchange(a, b);
    }
  });

  it('are dialled by who keeps them, and not by each dial to a peer while they are away', async () => {
    const relay = await startRelay('r', '/ip4/127.40.12.1/tcp/0');
    const [a, b] = [await startNetwork({ relays: [relay.address] }), await startNetwork({ relays: [relay.address] })];
    await echo(b);
    await a.start();
    await b.start();
    await reserved(a, b);
    await exchange(a, b);
    let isBack = 0;
    a.transport.on('woke', () => (isBack += 1));
    await kill(relay.process);
    // Nobody answers there, and the calls are counted.
    let calls = 0;
    const port = Number(/tcp\/(\d+)/.exec(relay.address)?.[1]);
    const counter = createServer(socket => {
      calls += 1;
      socket.destroy();
    });
    await new Promise<void>(resolve => counter.listen(port, '127.40.12.1', resolve));
    await until(() => !a.state().relays[0]?.connected && a.transport.connectedPeers().length === 0);
    const circuit = `${relay.address}/p2p-circuit/p2p/${b.transport.self}`;
    for (let n = 0; n < 50; n += 1)
      await expect(
        a.transport.connect(b.transport.self, { signal: patience(), addresses: [circuit] }),
      ).rejects.toThrow();
    // Those of both supervisors, as many as there was time for.
    expect(calls).toBeLessThan(50);
    await new Promise(resolve => counter.close(resolve));
    await startRelay('r', relay.address.split('/p2p/')[0] ?? '');
    await until(() => isBack > 0);
    await reserved(b);
    await exchange(a, b);
  });

  it('are not waited for at the start, and get their reservation when they come up', async () => {
    const first = await startRelay('r', '/ip4/127.40.3.1/tcp/0');
    await kill(first.process);
    const [listen = ''] = first.address.split('/p2p/');
    // Accepts and says nothing: a dial hangs until it is given up.
    const silent = await listenSilently('127.40.3.1', Number(listen.split('/').at(-1)));
    const a = await startNetwork({ relays: [first.address] });
    await a.start();
    expect(a.state().relays[0]).toMatchObject({ connected: false });
    expect(a.state().relays[0]).not.toHaveProperty('lastError');
    silent.close();
    await until(() => a.state().relays[0]?.lastError === 'connection refused');
    expect(a.state().relays[0]).toMatchObject({ connected: false, reservation: 'lost' });
    await startRelay('r', listen);
    await reserved(a);
    expect(a.state().relays[0]).not.toHaveProperty('lastError');
  });

  it('are found where they have moved, by a DHT server that knows, also by a daemon that starts only now', async () => {
    const first = await startRelay('r', '/ip4/127.40.11.1/tcp/0');
    await kill(first.process);
    const moved = await startRelay('r', '/ip4/127.40.11.2/tcp/0');
    expect(moved.peer).toBe(first.peer);
    const server = await startNetwork({
      listen: ['/ip4/127.40.11.3/tcp/0'],
      dht: 'server',
      relays: [moved.address],
    });
    await server.start();
    await until(() => server.state().dht.peers === 1);
    const a = await startNetwork({
      dht: 'client',
      relays: [first.address],
      bootstrap: [server.transport.addresses()[0] ?? ''],
    });
    await a.start();
    await until(() => reservationOf(a) === 'active');
    expect(a.transport.addresses().join()).toContain('/ip4/127.40.11.2/');
  });

  it('hold two reservations that were asked for at the same time', async () => {
    const all = [await startRelay('r1', '/ip4/127.40.10.1/tcp/0'), await startRelay('r2', '/ip4/127.40.10.2/tcp/0')];
    const a = await startNetwork({ relays: all.map(({ address }) => address), reservations: 2 });
    const faults: (string | undefined)[] = [];
    a.transport.on('networkChanged', () => faults.push(...a.state().relays.map(({ lastError }) => lastError)));
    await a.start();
    await until(() => a.state().relays.every(({ reservation }) => reservation === 'active'));
    expect(a.state().relays).toHaveLength(2);
    // At the first try.
    expect(faults.filter(fault => fault !== undefined)).toEqual([]);
  });

  it('take over from one another, and only as many as wanted hold a reservation', async () => {
    const one = await startRelay('r1', '/ip4/127.40.4.1/tcp/0');
    const two = await startRelay('r2', '/ip4/127.40.4.2/tcp/0');
    const a = await startNetwork({ relays: [one.address, two.address], reservations: 1 });
    await a.start();
    const active = (): PeerId[] =>
      a.state().relays.flatMap(relay => (relay.reservation === 'active' ? relay.peerId : []));
    await until(() => active().length === 1 && a.state().relays.every(relay => relay.connected));
    const [holder] = active();
    const [gone, left] = holder === one.peer ? [one, two] : [two, one];
    await kill(gone.process);
    await until(() => active().length === 1 && active()[0] === left.peer);
  });

  it('are added and removed at run time, with clear refusals', async () => {
    const relay = await startRelay('r', '/ip4/127.40.5.1/tcp/0');
    const a = await startNetwork({});
    await a.start();
    let changes = 0;
    a.transport.on('networkChanged', () => {
      changes += 1;
    });
    const codeOf = (run: () => unknown): string => {
      try {
        run();
        return 'none';
      } catch (error) {
        return error instanceof AppError ? error.code : String(error);
      }
    };
    for (const bad of ['', 'nonsense', '/ip4/127.0.0.1/tcp/1', `/p2p/${relay.peer}`, `${'/ip4/1.2.3.4'.repeat(60)}`])
      expect(codeOf(() => a.relays.addRelay(bad))).toBe('ADDRESS_INVALID');
    expect(codeOf(() => a.relays.addRelay(`/ip4/127.0.0.1/tcp/1/p2p/${a.transport.self}`))).toBe('PEER_IS_SELF');
    expect(a.relays.addRelay(relay.address)).toMatchObject({ peerId: relay.peer, reservation: 'pending' });
    await reserved(a);
    expect(changes).toBeGreaterThan(0);
    await a.relays.removeRelay(relay.peer);
    expect(a.state()).toMatchObject({ relays: [], addresses: [] });
    await until(() => a.transport.connection(relay.peer) === null);
    await expect(a.relays.removeRelay(relay.peer)).rejects.toMatchObject({ code: 'RELAY_NOT_FOUND' });
    a.relays.addBootstrap(relay.address);
    await until(() => a.state().bootstrap[0]?.connected === true);
    expect(a.state().relays).toEqual([]);
    await a.relays.removeBootstrap(relay.peer);
    a.relays.addRelay(relay.address);
    await reserved(a);
  });

  it('carry 5 MiB over circuits of 128 KiB: each is cut, and what is resumed arrives once and in order', async () => {
    const relay = await startRelay('r', '/ip4/127.40.6.1/tcp/0', ['--circuit-bytes', String(128 * 1024)]);
    const a = await startNetwork({ relays: [relay.address] });
    const b = await startNetwork({ relays: [relay.address] });
    const frameBytes = 32 * 1024;
    const total = (5 * 1024 * 1024) / frameBytes;
    const got: number[] = [];
    let cuts = 0;
    // The receiver says first what it wants next; the sender goes on from there.
    await b.transport.handle(PROTOCOL, LIMITS, async stream => {
      await stream.send(Uint8Array.of(got.length));
      try {
        for await (const batch of stream.frames())
          for (const frame of batch) if (frame[0] === got.length) got.push(got.length);
      } catch {
        cuts += 1;
      }
    });
    await a.start();
    await b.start();
    await reserved(a, b);
    expect(a.transport.connection(b.transport.self)).toBeNull();
    while (got.length < total) {
      const stream = await open(a, b);
      expect(stream.connection.dataLimitBytes).toBeLessThanOrEqual(128 * 1024);
      const failure = await sendFrom(stream, total, frameBytes).then(
        () => null,
        (error: unknown) => error,
      );
      if (failure) expect(failure).toBeInstanceOf(Error);
      stream.abort('done with this one');
      await until(() => failure === null || a.transport.connection(b.transport.self) === null);
    }
    expect(got).toEqual(Array.from({ length: total }, (_, at) => at));
    expect(cuts).toBeGreaterThan(20);
    expect(reservationOf(a)).toBe('active');
  });

  it('are used at once when the direct addresses of a peer are dead', async () => {
    const relay = await startRelay('r', '/ip4/127.40.7.1/tcp/0');
    const a = await startNetwork({ relays: [relay.address] });
    const b = await startNetwork({ relays: [relay.address] });
    await echo(b);
    await a.start();
    await b.start();
    await reserved(a, b);
    const silent = await listenSilently('127.40.7.9');
    const addresses = [`/ip4/127.40.7.9/tcp/${silent.port}`, '/ip4/127.40.7.8/tcp/9'];
    const connection = await a.transport.connect(b.transport.self, { signal: patience(), addresses });
    // Within a second, says dialler.test.ts on its own clock.
    expect(connection.path).toBe('relayed');
    silent.close();
  });

  it('give a reservation also to a daemon whose clock is a day ahead or behind', async () => {
    const relay = await startRelay('r', '/ip4/127.40.9.1/tcp/0');
    for (const offMs of [86_400_000, -86_400_000]) {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + offMs });
      try {
        const a = await startNetwork({ relays: [relay.address] });
        await a.start();
        await reserved(a);
        await a.stop();
      } finally {
        vi.useRealTimers();
      }
    }
  });

  it('are left for a direct path as soon as the peer has one', async () => {
    const relay = await startRelay('r', '/ip4/127.40.8.1/tcp/0');
    const a = await startNetwork({ relays: [relay.address] });
    const b = await startNetwork({ relays: [relay.address], listen: ['/ip4/127.40.8.2/tcp/0'] });
    await echo(b);
    await a.start();
    await b.start();
    await reserved(a, b);
    const paths: string[] = [];
    a.transport.on('pathChanged', (_, connection) => paths.push(connection.path));
    // Nothing is known of b but its PeerId: the circuit comes first, identify tells the rest.
    const first = await a.transport.connect(b.transport.self, { signal: patience() });
    expect(first.path).toBe('relayed');
    await until(() => a.transport.connection(b.transport.self)?.path === 'lan');
    expect(paths).toEqual(['lan']);
    const info = a.transport.pathInfo?.(b.transport.self);
    expect(info).toMatchObject({ upgradedFrom: 'relayed' });
    expect(info).not.toHaveProperty('note');
    await exchange(a, b);
  });
});

async function sendFrom(stream: FrameStream, total: number, frameBytes: number): Promise<void> {
  const { value } = await stream.frames()[Symbol.asyncIterator]().next();
  for (let at = value?.[0]?.[0] ?? 0; at < total; at += 1) {
    const frame = new Uint8Array(frameBytes);
    frame[0] = at;
    await stream.send(frame);
  }
  await stream.close();
}

/** Accepts connections and says nothing. */
async function listenSilently(host: string, port = 0): Promise<{ readonly port: number; close(): void }> {
  const sockets: Socket[] = [];
  const server = createServer(socket => sockets.push(socket.on('error', () => undefined)));
  await new Promise<void>(resolve => server.listen({ host, port }, resolve));
  const at = server.address();
  return {
    port: typeof at === 'object' && at ? at.port : 0,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function kill(program: ChildProcess): Promise<void> {
  if (program.exitCode !== null || program.signalCode !== null) return;
  const ended = new Promise(resolve => program.once('exit', resolve));
  program.kill('SIGKILL');
  await ended;
}
