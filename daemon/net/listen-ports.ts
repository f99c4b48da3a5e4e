import { createSocket } from 'node:dgram';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { tryGetNetConfig } from '@libp2p/utils';
import type { Logger } from '../base/logger.ts';
import { parseMultiaddr } from './addresses.ts';

const DEFAULT_PORT = 7301;
const PORT_FILE = 'port';
/** Tries of a random port that must be free for TCP and UDP, on IPv4 and IPv6. */
const MAX_TRIES = 20;

export type ListenFault = 'LISTEN_ADDRESS_INVALID' | 'PORT_TAKEN' | 'PORT_DENIED' | 'LISTEN_ADDRESS_UNAVAILABLE';

/** A listen address cannot be used. `exitCode` is what `serve` ends with: 69 taken, 77 permission, 78 bad address. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly code: ListenFault;
  readonly address: string;
  readonly exitCode: 69 | 77 | 78;

  constructor(code: ListenFault, address: string, options: { cause?: unknown } = {}) {
    super(LISTEN_FAULTS[code](address), options);
    this.code = code;
    this.address = address;
    this.exitCode = code === 'PORT_TAKEN' ? 69 : code === 'PORT_DENIED' ? 77 : 78;
  }
}

const LISTEN_FAULTS: Record<ListenFault, (address: string) => string> = {
  LISTEN_ADDRESS_INVALID: address => `${address} is not a listen address such as /ip4/0.0.0.0/tcp/7301`,
  PORT_TAKEN: address => `another program listens on ${address}`,
  PORT_DENIED: address => `no permission to listen on ${address}`,
  LISTEN_ADDRESS_UNAVAILABLE: address => `this machine does not have the address of ${address}`,
};

export const defaultListen = (port: number): string[] => [
  `/ip4/0.0.0.0/tcp/${port}`,
  `/ip4/0.0.0.0/udp/${port}/quic-v1`,
  `/ip6/::/tcp/${port}`,
  `/ip6/::/udp/${port}/quic-v1`,
];

/**
 * The default listen addresses on 7301, or on a free port when that is taken. The free port is kept in the home, so
 * that contacts find us again after a restart.
 */
export async function chooseDefaultListen(deps: { log: Logger }, home: string): Promise<string[]> {
  const file = join(home, PORT_FILE);
  const kept = readPort(file);
  if (kept !== null && (await isFree(kept))) return defaultListen(kept);
  if (await isFree(DEFAULT_PORT)) return defaultListen(DEFAULT_PORT);
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const port = await freeTcpPort();
    if (!(await isFree(port))) continue;
    writeFileSync(file, `${port}\n`, { mode: 0o600 });
    chmodSync(file, 0o600); // whatever the umask took away
    deps.log.warn({ taken: kept ?? DEFAULT_PORT, port }, 'port taken: listening on another one, kept for next time');
    return defaultListen(port);
  }
  throw new ListenError('PORT_TAKEN', `/ip4/0.0.0.0/tcp/${DEFAULT_PORT}`);
}

/**
 * Whether all addresses can be bound, found out by binding them for a moment: libp2p goes on without the ones that
 * cannot. A machine without IPv6 does not fail on `::`.
 * @throws ListenError
 */
export async function assertListenable(addresses: readonly string[]): Promise<void> {
  for (const address of addresses) {
    const fault = await listenFault(address);
    if (fault && !isMissingIpv6(fault)) throw fault;
  }
}

const isMissingIpv6 = (fault: ListenError): boolean =>
  fault.code === 'LISTEN_ADDRESS_UNAVAILABLE' && fault.address.startsWith('/ip6/::/');

async function listenFault(address: string): Promise<ListenError | null> {
  const parsed = parseMultiaddr(address);
  const config = parsed && tryGetNetConfig(parsed);
  if (!config?.protocol || config.port === undefined || (config.type !== 'ip4' && config.type !== 'ip6'))
    return new ListenError('LISTEN_ADDRESS_INVALID', address);
  const { host, port, protocol } = config;
  try {
    await (protocol === 'tcp' ? bindTcp(host, port) : bindUdp(host, port));
    return null;
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'EADDRINUSE') return new ListenError('PORT_TAKEN', address, { cause });
    if (code === 'EACCES' || code === 'EPERM') return new ListenError('PORT_DENIED', address, { cause });
    return new ListenError('LISTEN_ADDRESS_UNAVAILABLE', address, { cause });
  }
}

async function isFree(port: number): Promise<boolean> {
  try {
    await assertListenable(defaultListen(port));
    return true;
  } catch (error) {
    if (error instanceof ListenError) return false;
    throw error;
  }
}

function readPort(file: string): number | null {
  try {
    const port = Number(readFileSync(file, 'utf8').trim());
    return Number.isInteger(port) && port > 1_023 && port < 65_536 ? port : null;
  } catch {
    return null; // no file yet, or not readable: 7301 is tried next
  }
}

const freeTcpPort = (): Promise<number> => bindTcp('0.0.0.0', 0);

function bindTcp(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host, port, exclusive: true, ipv6Only: host.includes(':') }, () => {
      const bound = server.address();
      server.close(() => resolve(typeof bound === 'object' && bound ? bound.port : port));
    });
  });
}

function bindUdp(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const v6 = host.includes(':');
    const socket = createSocket({ type: v6 ? 'udp6' : 'udp4', ipv6Only: v6 });
    socket.once('error', error => {
      socket.close();
      reject(error);
    });
    socket.bind({ address: host, port, exclusive: true }, () => {
      const bound = socket.address().port;
      socket.close(() => resolve(bound));
    });
  });
}
