import net, { type BoundSocket } from 'node:net';
import { tryGetNetConfig } from '@libp2p/utils';
import type { Multiaddr } from '@multiformats/multiaddr';

/** Errors of a socket that was bound to the listening port, after which one from any port may still get through. */
const BIND_FAULTS = new Set(['EADDRNOTAVAIL', 'EADDRINUSE', 'ENOTSUP', 'EINVAL', 'EACCES', 'EPERM', 'ENOTFOUND']);

let supported: boolean | null = null;

/**
 * Whether dials can leave from a port on which this process listens. Only Linux: macOS and Windows refuse `reusePort`,
 * and the BSDs would spread incoming connections over listeners and dials. Found out once, by doing it.
 */
export function canReusePort(): boolean {
  supported ??= probe();
  return supported;
}

function probe(): boolean {
  // Older Node has no BoundSocket, whatever the types say.
  if (process.platform !== 'linux' || typeof net.BoundSocket !== 'function') return false;
  try {
    new net.BoundSocket({ host: '127.0.0.1', port: 0, reusePort: true }).close();
    return true;
  } catch {
    return false;
  }
}

export const isBindFault = (error: unknown): boolean => BIND_FAULTS.has(codeOf(error));

export const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

export interface ListeningSocket {
  readonly family: 4 | 6;
  readonly host: string;
  readonly port: number;
}

/** Null where it cannot be bound. */
export function bindDial(socket: ListeningSocket): BoundSocket | null {
  try {
    return new net.BoundSocket({
      host: socket.host,
      port: socket.port,
      reusePort: true,
      ...(socket.family === 6 && { ipv6Only: true }),
    });
  } catch {
    return null;
  }
}

/** A port of the same host on which nobody listens, or null. */
export function freePort(socket: ListeningSocket): number | null {
  const bound = canReusePort() ? bindDial({ ...socket, port: 0 }) : null;
  const port = bound?.address().port ?? null;
  if (bound) release(bound);
  return port;
}

/** Frees the socket when no dial has taken it over. */
export function release(bound: BoundSocket): void {
  try {
    bound.close();
  } catch {
    // ERR_SOCKET_HANDLE_ADOPTED: it belongs to the connection now.
  }
}

/** The address family of a dial; names are looked up as IPv4 unless they say otherwise. */
export function familyOf(address: Multiaddr): 4 | 6 | null {
  const type = tryGetNetConfig(address)?.type;
  if (type === 'ip6' || type === 'dns6') return 6;
  return type === 'ip4' || type === 'dns4' || type === 'dns' ? 4 : null;
}
