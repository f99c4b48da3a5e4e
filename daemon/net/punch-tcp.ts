import type { Connection, DialTransportOptions, MultiaddrConnection, Transport, Upgrader } from '@libp2p/interface';
import { tryGetNetConfig } from '@libp2p/utils';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { Clock } from '../base/clock.ts';
import { remotePeerOf } from './addresses.ts';
import {
  bindDial,
  canReusePort,
  familyOf,
  freePort,
  isBindFault,
  type ListeningSocket,
  release,
} from './port-binding.ts';
import { claimPort } from './port-claim.ts';
import { pause } from './punch-dial.ts';
import { PunchWindows } from './punch-windows.ts';

/** A handshake on a connection that came out of a hole. */
const HANDSHAKE_TIMEOUT_MS = 5_000;
/**
 * After a dial from the listening port was given up, the next to the same place goes from any port: some NAT may
 * hold the old connection of that pair of ports for dead and drop its packets (network page 3a, "Pitfalls").
 */
const ANY_PORT_FOR_MS = 30_000;
const MAX_SILENT_KNOWN = 256;
/** Who begins a handshake says so at once; when it is looked for. */
const FIRST_WORD_MS = [0, 2, 8];
/** "/multistream/1.0.0\n" with its length: go-libp2p says this much also when it only answers. */
const GREETING_BYTES = 20;

/**
 * TCP that dials from the port on which it listens, so that relays see the same public port of us as peers do, and
 * that can take either end of the handshake on a connection, whoever opened it.
 */
export class PunchTcp {
  readonly windows = new PunchWindows();
  readonly #clock: Clock;
  readonly #isPublic: (address: Multiaddr) => boolean;
  readonly #listening = new Map<object, ListeningSocket>();
  readonly #fromPort = new WeakSet<Multiaddr>();
  readonly #punched = new WeakSet<Multiaddr>();
  /** Places that did not answer a dial from the listening port, by the time of the last. */
  readonly #silentAtMs = new Map<string, number>();
  #dial: Transport['dial'] | null = null;
  #upgrader: Upgrader | null = null;

  constructor(deps: { clock: Clock }, options: { isPublic: (address: Multiaddr) => boolean }) {
    this.#clock = deps.clock;
    this.#isPublic = options.isPublic;
  }

  /** Changes the transport and returns it. */
  wrap<T extends Transport>(transport: T, upgrader: Upgrader): T {
    const dial = transport.dial.bind(transport);
    const createListener = transport.createListener.bind(transport);
    this.#dial = dial;
    this.#upgrader = upgrader;
    transport.dial = (address, options) => this.#dialOrdinary(dial, address, options);
    transport.createListener = options => {
      const listener = createListener({ ...options, upgrader: this.#initiating(options.upgrader) });
      const listen = listener.listen.bind(listener);
      listener.listen = async address => {
        const free = canReusePort() ? await claimPort(address) : null;
        listener.addEventListener('close', () => free?.());
        await listen(address).catch((error: unknown) => {
          free?.();
          throw error;
        });
        const config = tryGetNetConfig(address);
        const port = tryGetNetConfig(listener.getAddrs()[0] ?? address)?.port;
        if (config && port !== undefined && (config.type === 'ip4' || config.type === 'ip6'))
          this.#listening.set(listener, { family: config.type === 'ip4' ? 4 : 6, host: config.host, port });
      };
      listener.addEventListener('close', () => this.#listening.delete(listener));
      return listener;
    };
    return transport;
  }

  /** Where dials of this family leave from. */
  listening(family: 4 | 6): ListeningSocket | null {
    return [...this.#listening.values()].find(socket => socket.family === family) ?? null;
  }

  /** A port that no connection has used, so that no box on the way holds anything against it; null where there is none. */
  freshPort(): number | null {
    const socket = this.listening(4) ?? this.listening(6);
    return socket && freePort(socket);
  }

  /** Whether we opened this connection from the listening port. */
  isFromPort(connection: Connection): boolean {
    return this.#fromPort.has(connection.remoteAddr);
  }

  /** Whether this connection came to be while a hole was punched, and by that. To be asked when it opens. */
  isPunched(connection: Connection): boolean {
    if (this.#punched.has(connection.remoteAddr)) return true;
    const peer = remotePeerOf(connection);
    return connection.direction === 'inbound' && peer !== null && this.windows.has(peer);
  }

  /**
   * One try to get through, from the listening port unless told. The address ends in /p2p/<peer>.
   * @throws what TCP or the handshake throws; codes as of the system, such as EADDRNOTAVAIL when the two ports are
   * joined already
   */
  async punch(
    address: Multiaddr,
    { initiator, signal, port }: { initiator: boolean; signal: AbortSignal; port?: number },
  ): Promise<Connection> {
    const [dial, upgrader] = [this.#dial, this.#upgrader];
    if (!dial || !upgrader) throw new Error('the host is not built yet');
    const family = familyOf(address);
    const socket = family && this.listening(family);
    const handle = socket && bindDial({ ...socket, ...(port !== undefined && { port }) });
    try {
      this.#punched.add(address);
      return await dial(address, {
        signal,
        upgrader: initiator ? upgrader : responding(upgrader),
        ...(!initiator && { initiator: false }),
        ...(handle && { handle }),
      });
    } finally {
      if (handle) release(handle);
    }
  }

  async #dialOrdinary(dial: Transport['dial'], address: Multiaddr, options: DialTransportOptions): Promise<Connection> {
    const place = this.#place(address);
    const family = familyOf(address);
    const socket = place !== null && family !== null ? this.listening(family) : null;
    const handle = socket && bindDial(socket);
    if (!socket || !handle || place === null) return dial(address, options);
    try {
      this.#fromPort.add(address);
      const bound = { ...options, handle, family: socket.family, autoSelectFamily: false };
      return await dial(address, bound);
    } catch (error) {
      this.#fromPort.delete(address);
      if (options.signal.aborted) this.#wasSilent(place);
      if (options.signal.aborted || !isBindFault(error)) throw error;
    } finally {
      release(handle);
    }
    return dial(address, options);
  }

  /** Null for what is better dialled from any port: near ones, and those that were silent. */
  #place(address: Multiaddr): string | null {
    const config = tryGetNetConfig(address);
    if (!config || ((config.type === 'ip4' || config.type === 'ip6') && !this.#isPublic(address))) return null;
    const place = `${config.host} ${config.port}`;
    const silentAtMs = this.#silentAtMs.get(place);
    return silentAtMs !== undefined && this.#clock.monotonicMs() - silentAtMs < ANY_PORT_FOR_MS ? null : place;
  }

  #wasSilent(place: string): void {
    if (this.#silentAtMs.size >= MAX_SILENT_KNOWN) this.#silentAtMs.clear();
    this.#silentAtMs.set(place, this.#clock.monotonicMs());
  }

  /**
   * Whether the other end begins the handshake: then it is an ordinary dial of the peer's (or of somebody else behind
   * its NAT), which may have been on its way when the window was opened. Two that both begin get nowhere.
   */
  async #initiates(connection: MultiaddrConnection): Promise<boolean> {
    for (const waitMs of FIRST_WORD_MS) {
      await pause(this.#clock, waitMs);
      if (connection.readBufferLength > GREETING_BYTES) return true;
    }
    return false;
  }

  /** Accepted connections that are the other end's punch are initiated by us. */
  #initiating(upgrader: Upgrader): Upgrader {
    return derive(upgrader, {
      upgradeInbound: async (connection, options) => {
        const peer = this.windows.claim(connection.remoteAddr);
        if (!peer || (await this.#initiates(connection))) return upgrader.upgradeInbound(connection, options);
        // The handshake fails when somebody else is at the other end.
        const named = Object.assign(connection, { remoteAddr: connection.remoteAddr.encapsulate(`/p2p/${peer}`) });
        this.#punched.add(named.remoteAddr);
        await upgrader.upgradeOutbound(turn(named, 'outbound'), { signal: AbortSignal.timeout(HANDSHAKE_TIMEOUT_MS) });
      },
    });
  }
}

/** Noise takes its role from `initiator`, but yamux from the connection's direction: both have to say the same. */
const responding = (upgrader: Upgrader): Upgrader =>
  derive(upgrader, {
    upgradeOutbound: (connection, options) => upgrader.upgradeOutbound(turn(connection, 'inbound'), options),
  });

const derive = (upgrader: Upgrader, change: Partial<Upgrader>): Upgrader =>
  Object.assign(Object.create(upgrader) as Upgrader, change);

const turn = (connection: MultiaddrConnection, direction: 'inbound' | 'outbound'): MultiaddrConnection =>
  Object.assign(connection, { direction });
