import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { PeerId } from '#api/ids';
import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { isCircuit, isLocal, parseMultiaddr, socketOf } from './addresses.ts';
import { type LanInterface, lanInterfaces } from './lan-interfaces.ts';
import { encodeAnswer, encodeQuery, readPacket } from './mdns-message.ts';
import { createPacketLimit } from './packet-limit.ts';
import type { Sighting } from './lan-dialer.ts';

const GROUP = '224.0.0.251';
const PORT = 5353;
const MULTICAST_TTL = 255;
/** Interfaces come and go without an event. */
const CHECK_EVERY_MS = 5_000;
/** Quickly at first, since a packet may be lost; then as rarely as a returning network allows. */
const QUERY_AFTER_MS = [0, 1_000, 3_000];
const QUERY_EVERY_MS = 15_000;
/** RFC 6762, section 6: answers of several hosts must not collide, and the same one goes out once a second. */
const ANSWER_DELAY_MS = { least: 20, most: 120 };
const ANSWER_EVERY_MS = 1_000;
const MAX_INTERFACES = 16;
/** Packets a second. */
const LIMITS = { perSource: 20, inAll: 200, sources: 128 };

export interface MdnsDeps {
  readonly self: PeerId;
  readonly clock: Clock;
  readonly log: Logger;
  /** Own addresses, each ending in /p2p/<self>. */
  addresses(): readonly string[];
  onSighting(sighting: Sighting): void;
  readonly interfaces?: () => readonly LanInterface[];
}

/**
 * Finds libp2p peers on the local networks and is found there. Each interface has a socket of its own: with one for
 * all, multicast leaves by whichever adapter the system prefers, often a VPN. On each only its own addresses are told.
 */
export interface Mdns {
  start(): void;
  stop(): Promise<void>;
  /** Names of the interfaces that are used now. */
  interfaces(): readonly string[];
}

interface Outlet {
  readonly lan: LanInterface;
  readonly socket: Socket;
  open: boolean;
  told: string;
  answeredAtMs: number;
  answer: Timer | null;
}

export function createMdns(deps: MdnsDeps, options: { readonly port?: number } = {}): Mdns {
  const { clock, log } = deps;
  const port = options.port ?? PORT;
  const listInterfaces = deps.interfaces ?? lanInterfaces;
  const instance = randomBytes(16).toString('hex');
  const allows = createPacketLimit(clock, LIMITS);
  const outlets = new Map<string, Outlet>();
  const timers = new Set<Timer>();
  /** Hears the group on all interfaces. `null` until it is bound: joining binds a socket to any port. */
  let receiver: Socket | null = null;
  let binding: Socket | null = null;
  let warned = false;

  const send = (outlet: Outlet, bytes: Uint8Array): void => {
    if (outlet.open)
      outlet.socket.send(bytes, port, GROUP, error => {
        if (error) log.debug({ interface: outlet.lan.name, reason: error.message }, 'mDNS packet not sent');
      });
  };
  const addressesOn = ({ addresses }: LanInterface): string[] =>
    deps.addresses().filter(text => {
      const address = parseMultiaddr(text);
      const host = address && socketOf(address)?.replace(/:\d+\/\w+$/, '');
      if (!address || !host || isCircuit(address) || !isLocal(address)) return false;
      return addresses.includes(host) || (addresses.includes('127.0.0.1') && host.startsWith('127.'));
    });
  const answerNow = (outlet: Outlet): void => {
    outlet.answer?.cancel();
    outlet.answer = null;
    const addresses = addressesOn(outlet.lan);
    outlet.told = addresses.join();
    if (addresses.length === 0) return;
    outlet.answeredAtMs = clock.monotonicMs();
    send(outlet, encodeAnswer({ instance, addresses, ip: outlet.lan.address }));
  };
  const answerSoon = (outlet: Outlet): void => {
    const { least, most } = ANSWER_DELAY_MS;
    const restMs = outlet.answeredAtMs + ANSWER_EVERY_MS - clock.monotonicMs();
    const delayMs = Math.max(restMs, least + Math.random() * (most - least));
    outlet.answer ??= clock.after(delayMs, () => answerNow(outlet));
  };

  const received = (bytes: Uint8Array, from: { address: string }): void => {
    const near = [...outlets.values()].find(({ lan }) => lan.has(from.address));
    // From no network of ours: sent to us from afar, or by an adapter that is not used (RFC 6762, section 11).
    if (!near || !allows(from.address)) return;
    const packet = readPacket(bytes);
    if (packet?.kind === 'query') answerSoon(near);
    else if (packet?.kind === 'answer') {
      const isThisMachine = near.lan.addresses.includes(from.address) || from.address.startsWith('127.');
      for (const { peer, addresses } of packet.peers) {
        // Only a neighbour on this machine can mean our loopback.
        const usable = addresses.filter(text => isThisMachine || !/^\/(ip4\/127\.|ip6\/::1\/)/.test(text));
        if (peer !== deps.self && usable.length > 0) deps.onSighting({ peer, addresses: usable, source: from.address });
      }
    }
  };

  const query = (): void => {
    for (const outlet of outlets.values()) send(outlet, encodeQuery());
  };

  const openReceiver = (): void => {
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    binding = socket;
    socket.on('message', received);
    socket.on('error', error => {
      if (!warned) log.warn({ reason: error.message }, 'mDNS cannot listen; it is tried again and again');
      warned = true;
      closeQuietly(socket);
      binding = null;
      receiver = null;
    });
    socket.bind(port, () => {
      receiver = socket;
      for (const { lan } of outlets.values()) join(socket, lan);
    });
  };
  const join = (socket: Socket, { name, address }: LanInterface): void => {
    try {
      socket.addMembership(GROUP, address);
    } catch (error) {
      // Joined already.
      log.debug({ interface: name, reason: String(error) }, 'mDNS group not joined');
    }
  };

  const openOutlet = (lan: LanInterface): void => {
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    const outlet: Outlet = { lan, socket, open: false, told: '', answeredAtMs: Number.NEGATIVE_INFINITY, answer: null };
    outlets.set(keyOf(lan), outlet);
    socket.on('message', received);
    socket.on('error', error => {
      log.debug({ interface: lan.name, reason: error.message }, 'mDNS socket failed; tried again');
      closeOutlet(outlet);
    });
    socket.bind(port, lan.address, () => {
      try {
        socket.setMulticastInterface(lan.address);
        socket.setMulticastTTL(MULTICAST_TTL);
        socket.setMulticastLoopback(true);
      } catch (error) {
        log.debug({ interface: lan.name, reason: String(error) }, 'mDNS cannot use this interface');
        closeOutlet(outlet);
        return;
      }
      outlet.open = true;
      if (receiver) join(receiver, lan);
      answerNow(outlet);
      for (const delayMs of QUERY_AFTER_MS) later(delayMs, () => send(outlet, encodeQuery()));
    });
  };
  const closeOutlet = (outlet: Outlet): void => {
    outlet.answer?.cancel();
    outlet.open = false;
    if (outlets.get(keyOf(outlet.lan)) === outlet) outlets.delete(keyOf(outlet.lan));
    try {
      receiver?.dropMembership(GROUP, outlet.lan.address);
    } catch {
      // The interface has gone, and its memberships with it.
    }
    closeQuietly(outlet.socket);
  };
  const later = (delayMs: number, run: () => void): void => {
    const timer = clock.after(delayMs, () => {
      timers.delete(timer);
      run();
    });
    timers.add(timer);
  };

  const check = (): void => {
    const wanted = new Map(
      listInterfaces()
        .slice(0, MAX_INTERFACES)
        .map(lan => [keyOf(lan), lan]),
    );
    for (const [key, outlet] of outlets) if (!wanted.has(key)) closeOutlet(outlet);
    if (!binding) openReceiver();
    for (const [key, lan] of wanted) if (!outlets.has(key)) openOutlet(lan);
    for (const outlet of outlets.values())
      if (outlet.open && outlet.told !== addressesOn(outlet.lan).join()) answerSoon(outlet);
  };

  return {
    start() {
      check();
      timers.add(clock.every(CHECK_EVERY_MS, check));
      timers.add(clock.every(QUERY_EVERY_MS, query));
    },
    async stop() {
      for (const timer of timers) timer.cancel();
      timers.clear();
      const open = [...[...outlets.values()].map(({ socket }) => socket), ...(binding ? [binding] : [])];
      const closed = open.map(socket => once(socket, 'close'));
      for (const outlet of outlets.values()) closeOutlet(outlet);
      if (binding) closeQuietly(binding);
      [binding, receiver] = [null, null];
      await Promise.all(closed);
    },
    interfaces: () => [...outlets.values()].map(({ lan }) => lan.name),
  };
}

const keyOf = ({ name, addresses }: LanInterface): string => `${name} ${addresses.join(' ')}`;

function closeQuietly(socket: Socket): void {
  try {
    socket.close();
  } catch {
    // Closed before.
  }
}
