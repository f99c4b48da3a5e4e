import { createServer } from 'node:net';
import type { Multiaddr } from '@multiformats/multiaddr';
import { socketOf } from './addresses.ts';
import { ListenError } from './listen-ports.ts';

/**
 * Holds a TCP port against other daemons of the same user, until the returned function is called. With `reusePort` the
 * kernel lets two of them listen on one port and deals connections out at random; a name in Linux's abstract socket
 * namespace (one for each network namespace, as ports are) goes to one process, and is free when that ends.
 * @throws ListenError PORT_TAKEN
 */
export async function claimPort(address: Multiaddr): Promise<() => void> {
  const socket = socketOf(address);
  if (socket === null || socket.endsWith(':0/tcp')) return () => undefined;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const server = createServer(connection => connection.destroy());
  server.once('error', cause => reject(new ListenError('PORT_TAKEN', address.toString(), { cause })));
  server.listen(`\0p2pmsg ${socket}`, resolve);
  await promise;
  server.unref();
  return () => server.close();
}
