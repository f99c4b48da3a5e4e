import type { Connection, Stream } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { PeerId } from '#api/ids';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { isCircuit } from './addresses.ts';
import { within } from './deadline.ts';
import type { Host } from './host.ts';
import { pingConnection } from './ping.ts';
import { pause } from './punch-dial.ts';
import { type ExchangeOptions, followExchange, leadExchange } from './punch-exchange.ts';
import type { PunchTcp } from './punch-tcp.ts';
import { directWithin, Knocks } from './punch-window.ts';

const EXCHANGE_TIMEOUT_MS = 10_000;
const PING_TIMEOUT_MS = 5_000;

export interface RoundsDeps {
  readonly host: Host;
  readonly tcp: PunchTcp;
  readonly clock: Clock;
  readonly log: Logger;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
  /** What we tell; `freshPort`: from which we dial besides. */
  readonly own: (freshPort: number | null) => readonly Multiaddr[];
  /** What of theirs we dial. */
  readonly toDial: (theirs: readonly Multiaddr[]) => readonly Multiaddr[];
}

export interface Round {
  /** Has carried a ping. */
  readonly direct: Connection | null;
  /** Whether the peer has named anything that we dial. */
  readonly named: boolean;
}

/** One round: addresses and the moment are agreed on over the relay, then both knock for 5 s. */
export class PunchRounds {
  readonly #deps: RoundsDeps;
  readonly #knocks = new Map<PeerId, Knocks>();

  constructor(deps: RoundsDeps) {
    this.#deps = deps;
  }

  /**
   * `again`: not the first round. A box on the way may remember unanswered SYNs of a pair of ports (of a process that
   * has ended, for instance) and drop what does not fit to them, Linux for two minutes. Two rounds in a row fail then, so
   * from the second one on we dial from a fresh port too.
   * @throws when the talk over the relay fails, or `signal` aborts
   */
  async lead(
    peer: PeerId,
    relayed: Connection,
    { again, signal }: { again: boolean; signal: AbortSignal },
  ): Promise<Round> {
    const { clock, own, tcp } = this.#deps;
    const found = await this.#proven(peer, this.direct(peer), signal); // of the last round, too late for it
    if (found) return { direct: found, named: true };
    const freshPort = again ? tcp.freshPort() : null;
    return this.#round(peer, { initiator: false, freshPort, signal }, async exchange => {
      const { rttMs } = await leadExchange(relayed, own(freshPort), exchange);
      await pause(clock, rttMs / 2, signal);
    });
  }

  /** @throws as `lead` */
  follow(peer: PeerId, stream: Stream, signal: AbortSignal): Promise<Round> {
    const own = (): readonly Multiaddr[] => this.#deps.own(null);
    return this.#round(peer, { initiator: true, freshPort: null, signal }, exchange =>
      followExchange(stream, own, exchange),
    );
  }

  direct(peer: PeerId): Connection | undefined {
    return this.#deps.host.node
      .getConnections(peerIdFromString(peer))
      .find(connection => connection.status === 'open' && !isCircuit(connection.remoteAddr));
  }

  stop(): void {
    for (const knocks of this.#knocks.values()) knocks.stop();
    this.#knocks.clear();
  }

  async #round(
    peer: PeerId,
    part: { readonly initiator: boolean; readonly freshPort: number | null; readonly signal: AbortSignal },
    agree: (exchange: ExchangeOptions) => Promise<void>,
  ): Promise<Round> {
    const { clock, tcp, toDial } = this.#deps;
    const { initiator, signal } = part;
    const fresh = new Knocks(this.#deps);
    let targets: readonly Multiaddr[] = [];
    let close = (): void => undefined;
    try {
      await within(clock, { timeoutMs: EXCHANGE_TIMEOUT_MS, outer: signal }, limit =>
        agree({
          clock,
          signal: limit,
          onConnect: theirs => {
            targets = toDial(theirs).map(address => address.encapsulate(`/p2p/${peer}`));
            close = tcp.windows.open(peer, { initiator, from: targets });
          },
        }),
      );
      const knocks = this.#knocksOf(peer);
      let opened = this.direct(peer) ?? null;
      if (!opened) {
        knocks.renew(targets, initiator, (address, limit) => tcp.punch(address, { initiator, signal: limit }));
        const { freshPort: port } = part;
        if (port !== null)
          fresh.renew(targets, initiator, (address, limit) => tcp.punch(address, { initiator, signal: limit, port }));
        opened = await directWithin(this.#deps, { peer, signal });
      }
      const direct = await this.#proven(peer, opened, signal);
      // Not sooner: of two connections that open together each side could end the one that the other side keeps.
      if (direct) knocks.stop();
      else knocks.linger();
      return { direct, named: targets.length > 0 };
    } finally {
      close();
      fresh.stop();
    }
  }

  #knocksOf(peer: PeerId): Knocks {
    for (const [other, { idle }] of this.#knocks) if (idle) this.#knocks.delete(other);
    const knocks = this.#knocks.get(peer) ?? new Knocks(this.#deps);
    this.#knocks.set(peer, knocks);
    return knocks;
  }

  /** The connection, if it carries anything: an open one may have nobody at the other end of its handshake. */
  async #proven(peer: PeerId, direct: Connection | null | undefined, signal: AbortSignal): Promise<Connection | null> {
    if (!direct) return null;
    const { clock, log } = this.#deps;
    try {
      await within(clock, { timeoutMs: PING_TIMEOUT_MS, outer: signal }, async limit => {
        await pingConnection(direct, limit).catch((error: unknown) => {
          // A peer that resets or refuses the ping has answered: rust-libp2p does it to all but the newest.
          if (limit.aborted || direct.status !== 'open') throw error;
        });
      });
      return direct;
    } catch (error) {
      // Ended for another reason: it may be a good one.
      if (signal.aborted) return null;
      log.debug({ peer, reason: String(error) }, 'a punched connection carries nothing');
      // Not abort(): its RST would keep the NAT's entry closed for the next round.
      await direct.close().catch(() => undefined);
      return null;
    }
  }
}
