import { createServer, connect, type Socket } from 'node:net';

/** For tests: a TCP relay that can stop passing bytes on without closing anything, as a network that went away does. */
export interface FreezableProxy {
  readonly port: number;
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
  const server = createServer({ pauseOnConnect: true }, inbound => {
    const outbound = connect(to);
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
