import { LOBBY_TOPIC } from '#api/wire/protocols';
import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Transport } from '../net/transport.ts';
import { cleanName, encodeAnnounce, type AnnounceKind } from './announce.ts';
import { createBudget } from './budget.ts';

export interface OwnSeqStore {
  /** The highest seq that was saved, 0 at first. */
  load(): number;
  /** Resolves when it is durable. */
  save(seq: number): Promise<void>;
}

export interface AnnouncerDeps {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: Logger;
  random(): number;
  readonly ownSeq: OwnSeqStore;
  name(): string;
  discoverable(): boolean;
  /** Announced peers that are not offline. */
  alive(): number;
}

const PRESENCE_AFTER_MS = 500;
const WELCOME_WITHIN_MS = 500;
const WELCOME_EVERY_MS = 5_000;
/** About so many of n peers answer a newcomer. */
const WELCOMERS = 20;
const REFRESH_SECONDS = 15;
/** Others count at most this (protocol page), so a longer interval would get us reaped. */
const MAX_REFRESH_SECONDS = 60;
const REFRESH_GROWS_ABOVE = 100;
const REFRESH_JITTER = 0.1;
/** Looks for the first listener, which the transport does not tell; seldom once there is one. */
const LOOK_ALONE_MS = 250;
const LOOK_MS = 2_500;
/** A seq of ours from before a rollback may have run ahead by as much as a wall clock is trusted to (24 h). */
const RAISE_BY_MS = 86_400_000;
/** With a stuck store announces would pile up; the next heartbeat says the same. */
const MAX_WAITING = 2;

/** 15 s up to 100 peers, then growing with their number up to 60 s. */
export const refreshSecondsFor = (peers: number): number =>
  Math.min(MAX_REFRESH_SECONDS, Math.ceil(REFRESH_SECONDS * Math.max(1, peers / REFRESH_GROWS_ABOVE)));

/** Says on the lobby topic that we are here: when, how often, and under which seq. */
export interface Announcer {
  start(): void;
  stop(): Promise<void>;
  /** PRESENCE in 500 ms, once for all calls until then; a flapping network gets 4 at once, then one per 10 s. */
  presenceSoon(): void;
  /** PRESENCE now; rejects when the seq cannot be stored. */
  presenceNow(): Promise<void>;
  /** Maybe a WELCOME, in a random while. */
  welcomeSoon(): void;
  /** Somebody may listen now, or nobody any more. */
  look(): void;
  /** Own addresses or reservations have changed. */
  networkChanged(): void;
  /** After sleep or in another network: the others may have reaped us. */
  woke(): void;
  /** Puts the seq above any that was used before a rollback; resolves when that is durable. */
  raiseSeq(): Promise<void>;
  setDiscoverable(on: boolean): void;
}

export function createAnnouncer(deps: AnnouncerDeps): Announcer {
  const { transport, clock, log, ownSeq } = deps;
  const presenceBudget = createBudget({ clock }, { burst: 4, refillPerSecond: 0.1, maxAuthors: 1 });
  let running = false;
  let discoverable = deps.discoverable();
  let refreshSeconds = REFRESH_SECONDS;
  let lastWelcomeMs = Number.NEGATIVE_INFINITY;
  let hadListeners = false;
  let addresses = new Set<string>();
  let waiting = 0;
  let tail: Promise<unknown> = Promise.resolve();
  let presenceTimer: Timer | null = null;
  let welcomeTimer: Timer | null = null;
  let refreshTimer: Timer | null = null;
  let lookTimer: Timer | null = null;

  const hasListeners = (): boolean => transport.subscribers(LOBBY_TOPIC).length > 0;
  const silent = (): boolean => !running || !discoverable || !hasListeners();

  async function publish(kind: AnnounceKind): Promise<void> {
    if (silent()) return;
    const seq = Math.max(ownSeq.load() + 1, clock.nowUnixMs());
    // Durable before it is used: after a crash a seq is never used twice.
    await ownSeq.save(seq);
    if (silent()) return;
    const stamp = { seq, issuedAtUnixMs: clock.nowUnixMs(), refreshSeconds, name: cleanName(deps.name()) };
    const { recipients } = await transport.publish(LOBBY_TOPIC, encodeAnnounce(kind, stamp));
    // Listeners that took nothing have no stream yet: look for them anew.
    if (recipients === 0) hadListeners = false;
  }

  /** One after the other, so that seqs leave in their order. */
  function enqueue(kind: AnnounceKind): Promise<void> {
    waiting += 1;
    const done = tail.then(() => publish(kind)).finally(() => (waiting -= 1));
    tail = done.catch(() => undefined);
    return done;
  }

  async function announce(kind: AnnounceKind): Promise<void> {
    if (waiting >= MAX_WAITING) return;
    try {
      await enqueue(kind);
    } catch (error) {
      log.warn({ kind, error: String(error) }, 'announce not sent');
    }
  }

  function presenceSoon(): void {
    if (!running || presenceTimer) return;
    presenceTimer = clock.after(Math.max(PRESENCE_AFTER_MS, presenceBudget.waitMs('')), () => {
      presenceTimer = null;
      hadListeners = hasListeners();
      if (!hadListeners || !discoverable) return;
      presenceBudget.take('');
      void announce('PRESENCE');
    });
  }

  function welcomeSoon(): void {
    if (!running || welcomeTimer) return;
    if (deps.random() >= WELCOMERS / Math.max(1, deps.alive())) return;
    const coolMs = Math.max(0, lastWelcomeMs + WELCOME_EVERY_MS - clock.monotonicMs());
    welcomeTimer = clock.after(coolMs + deps.random() * WELCOME_WITHIN_MS, () => {
      lastWelcomeMs = clock.monotonicMs();
      void announce('WELCOME').finally(() => {
        // Counted from when it left; the timer is kept until then so that no second one is planned meanwhile.
        lastWelcomeMs = clock.monotonicMs();
        welcomeTimer = null;
      });
    });
  }

  function scheduleRefresh(): void {
    const factor = 1 - REFRESH_JITTER + 2 * REFRESH_JITTER * deps.random();
    refreshTimer = clock.after(refreshSeconds * 1_000 * factor, () => {
      // What is announced is the interval that follows.
      refreshSeconds = refreshSecondsFor(deps.alive());
      void announce('REFRESH');
      scheduleRefresh();
    });
  }

  function look(): void {
    if (!running) return;
    const has = hasListeners();
    if (has && !hadListeners) presenceSoon();
    hadListeners = has;
  }

  function keepLooking(): void {
    look();
    lookTimer = clock.after(hadListeners ? LOOK_MS : LOOK_ALONE_MS, keepLooking);
  }

  return {
    start() {
      running = true;
      addresses = new Set(transport.addresses());
      keepLooking();
      scheduleRefresh();
    },
    async stop() {
      running = false;
      for (const timer of [presenceTimer, welcomeTimer, refreshTimer, lookTimer]) timer?.cancel();
      await tail;
    },
    presenceSoon,
    presenceNow: () => enqueue('PRESENCE'),
    welcomeSoon,
    look,
    networkChanged() {
      const now = transport.addresses();
      const grew = now.some(address => !addresses.has(address));
      addresses = new Set(now);
      if (grew) presenceSoon();
      look();
    },
    woke() {
      presenceSoon();
      look();
    },
    raiseSeq() {
      const raised = tail.then(async () => {
        await ownSeq.save(Math.max(ownSeq.load(), clock.nowUnixMs()) + RAISE_BY_MS);
        presenceSoon();
      });
      tail = raised.catch(() => undefined);
      return raised;
    },
    setDiscoverable(on) {
      const appeared = on && !discoverable;
      discoverable = on;
      if (appeared) presenceSoon();
    },
  };
}
