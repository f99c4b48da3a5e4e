import { describe, expect, it, vi } from 'vitest';
import type { PeerId } from '#api/ids';
import { ManualClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import type { Circuits } from './circuit.ts';
import type { Dialer } from './dialer.ts';
import type { Host } from './host.ts';
import { generateIdentity } from './keyfile.ts';
import type { Locator } from './locator.ts';
import type { RelaySupervisor } from './relay-status.ts';
import { createRelaySupervisor } from './relays.ts';

const HOUR_MS = 3_600_000;

/** Relays as the supervisor sees them, on a clock of their own. The real ones are in relays.test.ts. */
class World {
  readonly clock = new ManualClock();
  readonly relay = generateIdentity().peerId;
  readonly dials: { atMs: number; targets: DialTargets }[] = [];
  readonly asked: { atMs: number; what: 'reserve' | 'renew' }[] = [];
  readonly sought: { atMs: number; known: readonly string[] }[] = [];
  backs = 0;
  /** What the DHT says. */
  seeking: () => ReturnType<Locator['locate']> = () => Promise.resolve(null);
  /** The only address that works; null: all do. */
  movedTo: string | null = null;
  /** What the network does to a dial. */
  dialing: 'works' | 'fails' | 'hangs' = 'works';
  granting = true;
  /** Takes the question and never answers. */
  mute = false;
  /** Drops each connection as soon as it has reserved. */
  flapping = false;
  ttlMs = HOUR_MS;
  #connected = false;
  #expiresAtUnixMs: number | null = null;
  readonly #closed: ((event: unknown) => void)[] = [];
  #circuitListener: (relay: PeerId, has: boolean) => void = () => undefined;
  readonly supervisor: RelaySupervisor;

  constructor(extra: readonly PeerId[] = []) {
    const address = (peer: PeerId): string => `/ip4/127.0.0.1/tcp/4001/p2p/${peer}`;
    this.supervisor = createRelaySupervisor(
      {
        host: this.#host(),
        circuits: this.#circuits(),
        dialer: this.#dialer(),
        clock: this.clock,
        log: silentLogger,
        locate: (_peer, known) => {
          this.sought.push({ atMs: this.clock.monotonicMs(), known });
          return this.seeking();
        },
        onChange: () => undefined,
        onBack: () => (this.backs += 1),
      },
      { relays: [this.relay, ...extra].map(address), bootstrap: [], reservations: 2 },
    );
  }

  get status() {
    const [status] = this.supervisor.relays();
    if (!status) throw new Error('no relay');
    return status;
  }

  drop(): void {
    if (!this.#connected) return;
    this.#connected = false;
    const had = this.#expiresAtUnixMs !== null;
    this.#expiresAtUnixMs = null;
    if (had) this.#circuitListener(this.relay, false);
    for (const listener of this.#closed) listener({ detail: { remotePeer: this.relay } });
  }

  #host(): Host {
    const node = {
      peerId: generateIdentity().peerId,
      addEventListener: (event: string, listener: (event: unknown) => void) => {
        if (event === 'connection:close') this.#closed.push(listener);
      },
      getConnections: (peer: { toString(): string }) =>
        this.#connected && peer.toString() === this.relay
          ? [{ status: 'open', remoteAddr: { getComponents: () => [] } }]
          : [],
      peerStore: {
        merge: () => Promise.resolve(),
        get: () =>
          Promise.resolve({ addresses: [{ multiaddr: `/ip4/127.0.0.9/tcp/4001/p2p/${this.relay}` }], protocols: [] }),
      },
      hangUp: () => Promise.resolve(),
    };
    return { node } as unknown as Host;
  }

  #circuits(): Circuits {
    const grant = (what: 'reserve' | 'renew') => (): Promise<void> => {
      this.asked.push({ atMs: this.clock.monotonicMs(), what });
      if (this.mute) return new Promise(() => undefined);
      if (!this.granting) return Promise.reject(new Error('reservation failed with status RESERVATION_REFUSED'));
      this.#expiresAtUnixMs = this.clock.nowUnixMs() + this.ttlMs;
      this.#circuitListener(this.relay, true);
      if (this.flapping) queueMicrotask(() => this.drop());
      return Promise.resolve();
    };
    return {
      reserve: grant('reserve'),
      renew: grant('renew'),
      expiresAtUnixMs: relay => (relay === this.relay ? this.#expiresAtUnixMs : null),
      isRelay: () => Promise.resolve(true),
      on: listener => {
        this.#circuitListener = listener;
      },
    };
  }

  #dialer(): Dialer {
    return {
      networkChanged: () => undefined,
      dial: (peer, targets, signal) => {
        this.dials.push({ atMs: this.clock.monotonicMs(), targets });
        const isThere = this.movedTo === null || targets.addresses.includes(this.movedTo);
        if (this.dialing === 'fails' || !isThere) return Promise.reject(new Error('ECONNREFUSED'));
        if (this.dialing === 'hangs')
          return new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason as Error));
          });
        if (peer === this.relay) this.#connected = true;
        return Promise.resolve({} as Awaited<ReturnType<Dialer['dial']>>);
      },
    };
  }
}

type DialTargets = Parameters<Dialer['dial']>[1];

describe('the relay supervisor', () => {
  async function reserved(): Promise<World> {
    const world = new World();
    world.supervisor.start();
    await world.clock.advance(100);
    expect(world.status.reservation).toBe('active');
    return world;
  }

  it('renews a reservation in time though the wall clock was set back by a day', async () => {
    const world = await reserved();
    world.clock.jumpWall(-24 * HOUR_MS);
    await world.clock.advance(HOUR_MS);
    const renewals = world.asked.filter(({ what }) => what === 'renew').map(({ atMs }) => atMs);
    expect(renewals.length).toBeGreaterThanOrEqual(2);
    expect(renewals[0]).toBeLessThan(26 * 60_000);
  });

  it('does not ask again and again when the wall clock is a day ahead, and a short reservation is renewed at half its time', async () => {
    const ahead = await reserved();
    ahead.clock.jumpWall(24 * HOUR_MS);
    await ahead.clock.advance(HOUR_MS);
    expect(ahead.asked.length).toBeLessThanOrEqual(4);
    const short = new World();
    short.ttlMs = 10 * 60_000;
    short.supervisor.start();
    await short.clock.advance(6 * 60_000);
    expect(short.asked.map(({ what }) => what)).toEqual(['reserve', 'renew']);
  });

  it('tries for as long as it takes, ever more seldom but at least once in 10 s, and says when', async () => {
    const world = new World();
    world.dialing = 'fails';
    world.supervisor.start();
    await world.clock.advance(600_000);
    const gaps = world.dials.slice(1).map(({ atMs }, at) => atMs - (world.dials[at]?.atMs ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(10_000);
    expect(world.dials.length).toBeLessThan(150);
    const inMs = (world.status.nextTryUnixMs ?? 0) - world.clock.nowUnixMs();
    expect(inMs).toBeGreaterThan(0);
    expect(inMs).toBeLessThan(10_000);
    expect(world.status).toMatchObject({ reservation: 'lost', lastError: 'connection refused' });
    world.clock.jumpWall(-24 * HOUR_MS);
    expect((world.status.nextTryUnixMs ?? 0) - world.clock.nowUnixMs()).toBe(inMs);
    world.dialing = 'works';
    await world.clock.advance(10_000);
    expect(world.status).toMatchObject({ reservation: 'active', connected: true });
  });

  it('stays connected to a relay that refuses, and has its reservation within 10 s of the end of that', async () => {
    const world = new World();
    world.granting = false;
    world.supervisor.start();
    await world.clock.advance(60_000);
    expect(world.dials).toHaveLength(1);
    expect(world.status).toMatchObject({ reservation: 'lost', connected: true, lastError: 'the relay is full' });
    world.granting = true;
    await world.clock.advance(10_000);
    expect(world.status.reservation).toBe('active');
  });

  it('does not wait for ever for a relay that takes the question and never answers', async () => {
    const world = new World();
    world.mute = true;
    world.supervisor.start();
    await world.clock.advance(30_000);
    expect(world.status).toMatchObject({ reservation: 'lost', connected: true, lastError: 'timed out' });
    world.mute = false;
    await world.clock.advance(20_000);
    expect(world.status.reservation).toBe('active');
  });

  it('tells when a relay is back, once, and leaves none of its addresses to others while it is away', async () => {
    const world = await reserved();
    const address = `/ip4/127.0.0.1/tcp/4001/p2p/${world.relay}`;
    await world.clock.advance(HOUR_MS);
    expect(world.backs).toBe(1);
    expect(world.supervisor.dialAddresses()).toEqual([address]);
    expect([world.supervisor.isTried(address), world.supervisor.isAway(world.relay)]).toEqual([false, false]);
    world.dialing = 'fails';
    world.drop();
    await world.clock.advance(60_000);
    expect(world.supervisor.dialAddresses()).toEqual([]);
    expect([world.supervisor.isTried(address), world.supervisor.isAway(world.relay)]).toEqual([true, true]);
    expect(world.supervisor.isTried(`/ip4/45.0.0.7/tcp/4001/p2p/${world.relay}`)).toBe(false);
    world.dialing = 'works';
    await world.clock.advance(HOUR_MS);
    expect(world.backs).toBe(2);
  });

  it('comes back at once after a loss, but not to a relay that drops every connection', async () => {
    const world = await reserved();
    await world.clock.advance(60_000);
    world.drop();
    await world.clock.advance(500);
    expect(world.status.reservation).toBe('active');
    world.flapping = true;
    const before = world.dials.length;
    world.drop();
    await world.clock.advance(120_000);
    expect(world.dials.length - before).toBeLessThan(45);
    world.flapping = false;
    await world.clock.advance(10_000);
    expect(world.status.reservation).toBe('active');
  });

  it('spreads the return of many clients of a relay that was restarted', async () => {
    const random = vi.spyOn(Math, 'random');
    const firstTries: number[] = [];
    for (const value of [0, 0.25, 0.5, 0.75, 0.99]) {
      const world = await reserved();
      await world.clock.advance(60_000);
      random.mockReturnValue(value);
      const lostMs = world.clock.monotonicMs();
      world.drop();
      await world.clock.advance(2_000);
      firstTries.push((world.dials.at(-1)?.atMs ?? 0) - lostMs);
    }
    random.mockRestore();
    expect(new Set(firstTries).size).toBe(5);
    expect(Math.max(...firstTries) - Math.min(...firstTries)).toBeGreaterThan(200);
  });

  it('leaves a dial that hangs when a new address of the relay is added', async () => {
    const world = new World();
    world.dialing = 'hangs';
    world.supervisor.start();
    await world.clock.advance(1_000);
    world.dialing = 'works';
    world.supervisor.addRelay(`/ip4/127.0.0.2/tcp/4001/p2p/${world.relay}`);
    await world.clock.advance(10);
    expect(world.dials.at(-1)?.targets.addresses).toContain(`/ip4/127.0.0.2/tcp/4001/p2p/${world.relay}`);
    expect(world.status.reservation).toBe('active');
  });

  it('tries the address that the relay told of itself when the configured one does not answer', async () => {
    const world = new World();
    world.dialing = 'fails';
    world.supervisor.start();
    await world.clock.advance(30_000);
    expect(world.dials[0]?.targets.addresses).toEqual([`/ip4/127.0.0.1/tcp/4001/p2p/${world.relay}`]);
    expect(world.dials.at(-1)?.targets.addresses).toContain(`/ip4/127.0.0.9/tcp/4001/p2p/${world.relay}`);
  });

  it('asks others for a relay that has moved, and goes there', async () => {
    const world = await reserved();
    await world.clock.advance(60_000);
    const movedTo = `/ip4/45.0.0.7/tcp/4001/p2p/${world.relay}`;
    world.movedTo = movedTo;
    const relayed = `/ip4/45.0.0.8/tcp/4001/p2p/${generateIdentity().peerId}/p2p-circuit/p2p/${world.relay}`;
    world.seeking = () => Promise.resolve({ addresses: [relayed, movedTo], record: null });
    world.drop();
    await world.clock.advance(10_000);
    expect(world.status).toMatchObject({ reservation: 'active', connected: true });
    // What it had told of itself before came first, and was said to be known.
    expect(world.sought[0]?.known).toContain(`/ip4/127.0.0.9/tcp/4001/p2p/${world.relay}`);
    expect(world.dials.some(({ targets }) => targets.addresses.includes(relayed))).toBe(false);
    const sought = world.sought.length;
    await world.clock.advance(HOUR_MS);
    expect(world.sought.length).toBe(sought);
  });

  it('goes on trying while a search takes its time or fails, one search at a time, and asks for nobody who refuses', async () => {
    const world = new World();
    world.dialing = 'fails';
    let answer: (error: Error) => void = () => undefined;
    world.seeking = () => new Promise((_resolve, reject) => (answer = reject));
    world.supervisor.start();
    await world.clock.advance(60_000);
    expect(world.sought).toHaveLength(1);
    expect(world.dials.length).toBeGreaterThan(8);
    answer(new Error('nobody there'));
    await world.clock.advance(10_000);
    expect(world.sought).toHaveLength(2);
    world.dialing = 'works';
    world.granting = false;
    answer(new Error('nobody there'));
    await world.clock.advance(120_000);
    expect(world.status).toMatchObject({ connected: true, lastError: 'the relay is full' });
    expect(world.sought).toHaveLength(2);
  });

  it('asked to look, tries at once however long the next try was away', async () => {
    const world = new World();
    world.dialing = 'fails';
    world.supervisor.start();
    await world.clock.advance(120_000);
    world.dialing = 'works';
    await world.supervisor.check();
    expect(world.status.reservation).toBe('active');
  });
});
