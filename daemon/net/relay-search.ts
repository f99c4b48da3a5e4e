import { peerIdFromString } from '@libp2p/peer-id';
import type { Logger } from '../base/logger.ts';
import type { Host } from './host.ts';
import type { KeptPeer } from './kept-peer.ts';
import type { Locator } from './locator.ts';

/** Configured addresses failed so often: what the relay told of itself before is tried too, and others are asked. */
const CONFIGURED_ONLY_FAILURES = 2;
/** What others say of a relay is tried before what has failed: so much of it. */
const MAX_FOUND = 3;

export interface RelaySearchDeps {
  readonly host: Pick<Host, 'node'>;
  readonly log: Logger;
  /** Asks the DHT, at its own pace. */
  readonly locate: Locator['locate'];
}

/** Where a relay or bootstrap node is tried: as configured, then as it told of itself, then as others say. */
export interface RelaySearch {
  /** Best first. A relay that moved has often told of its new address while the old one still worked. */
  addressesOf(entry: KeptPeer): Promise<string[]>;
  /** It was not reached. Others are asked beside the tries at the known addresses, one search at a time. */
  failed(entry: KeptPeer): void;
}

export function createRelaySearch(deps: RelaySearchDeps, onFound: (entry: KeptPeer) => void): RelaySearch {
  const { host, locate, log } = deps;

  const addressesOf = async (entry: KeptPeer): Promise<string[]> => {
    const configured = entry.addresses.map(({ text }) => text);
    if (entry.failures < CONFIGURED_ONLY_FAILURES) return configured;
    const known = await host.node.peerStore.get(peerIdFromString(entry.peer)).catch(() => null);
    const told = known?.addresses.map(({ multiaddr }) => multiaddr.toString()) ?? [];
    return [...entry.found, ...configured, ...told.filter(isDirect)];
  };
  const seek = async (entry: KeptPeer, signal: AbortSignal): Promise<void> => {
    const located = await locate(entry.peer, await addressesOf(entry), signal);
    const found = located?.addresses.filter(isDirect).slice(0, MAX_FOUND) ?? [];
    if (found.length === 0) return;
    entry.found = found;
    onFound(entry);
  };

  return {
    addressesOf,
    failed(entry) {
      if (entry.failures < CONFIGURED_ONLY_FAILURES || entry.seeking) return;
      entry.seeking = new AbortController();
      seek(entry, entry.seeking.signal)
        .catch((error: unknown) => log.debug({ peer: entry.peer, reason: String(error) }, 'relay not looked for'))
        .finally(() => {
          entry.seeking = null;
        });
    },
  };
}

const isDirect = (address: string): boolean => !address.includes('/p2p-circuit');
