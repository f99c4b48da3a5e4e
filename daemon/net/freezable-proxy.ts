import { createServer, connect, type Socket } from 'node:net';

/** For tests: a TCP relay that can stop passing bytes on without closing anything, as a network that went away does. */
export interface FreezableProxy {
  readonly port: number;
  /** How many connections are open to it. */
  readonly clients: number;
  /** Bytes passed on to clients since the start: who has received as many has nothing more under way. */
  readonly bytesToClients: number;
  freeze(): void;
  thaw(): void;
  close(): Promise<void>;
}

export async function createFreezableProxy(
  to: { host: string; port: number },
  listen: string,
): Promise<FreezableProxy> {
  const sockets = new Set<Socket>();
  let frozen = false;
  let clients = 0;
  let bytesToClients = 0;
  const server = createServer({ pauseOnConnect: true }, inbound => {
    const outbound = connect(to);
    clients += 1;
    inbound.once('close', () => (clients -= 1));
    outbound.on('data', bytes => (bytesToClients += bytes.length));
    for (const [socket, other] of [
      [inbound, outbound],
      [outbound, inbound],
    ] as const) {
      sockets.add(socket);
      socket.on('data', bytes => other.write(bytes));
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        if (!frozen) other.destroy();
      });
      if (frozen) socket.pause();
      else socket.resume();
    }
  });
  await new Promise<void>(resolve => server.listen(0, listen, resolve));
  const at = server.address();
  return {
    port: typeof at === 'object' && at ? at.port : 0,
    get clients() {
      return clients;
    },
    get bytesToClients() {
      return bytesToClients;
    },
    freeze() {
      frozen = true;
      for (const socket of sockets) socket.pause();
    },
    thaw() {
      frozen = false;
      for (const socket of sockets) socket.resume();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
  };
}
