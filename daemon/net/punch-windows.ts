import { tryGetNetConfig } from '@libp2p/utils';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { PeerId } from '#api/ids';

/** Connections from an expected address that are taken as the other end's dial; a NAT may serve strangers too. */
const MAX_CLAIMS = 8;

interface Window {
  readonly peer: PeerId;
  readonly initiator: boolean;
  readonly sockets: Set<string>;
  readonly hosts: Set<string>;
  claims: number;
}

/**
 * With whom a hole is being punched now, from where its connection may come, and who starts the handshake on it:
 * the one that leads the exchange answers, the other one initiates, whatever TCP did.
 */
export class PunchWindows {
  readonly #windows = new Map<PeerId, Window>();

  /** Returns how to end it. A second one with the same peer takes the place of the first. */
  open(peer: PeerId, options: { initiator: boolean; from: readonly Multiaddr[] }): () => void {
    const window: Window = { peer, initiator: options.initiator, sockets: new Set(), hosts: new Set(), claims: 0 };
    for (const address of options.from) {
      const config = tryGetNetConfig(address);
      if (!config) continue;
      window.hosts.add(config.host);
      window.sockets.add(`${config.host} ${config.port}`);
    }
    this.#windows.set(peer, window);
    return () => {
      if (this.#windows.get(peer) === window) this.#windows.delete(peer);
    };
  }

  has(peer: PeerId): boolean {
    return this.#windows.has(peer);
  }

  /**
   * The peer to which a connection accepted from here is to be initiated, or null: then it is an ordinary one. A NAT
   * that gives each destination another port sends from a port that nobody has named, so the host alone counts too.
   */
  claim(from: Multiaddr): PeerId | null {
    const config = tryGetNetConfig(from);
    if (!config) return null;
    const open = [...this.#windows.values()].filter(window => window.initiator && window.claims < MAX_CLAIMS);
    const window =
      open.find(({ sockets }) => sockets.has(`${config.host} ${config.port}`)) ??
      open.find(({ hosts }) => hosts.has(config.host));
    if (!window) return null;
    window.claims += 1;
    return window.peer;
  }
}
