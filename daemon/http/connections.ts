import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The connections of the listeners, and which of them have work in flight. */
export interface Connections {
  watch(server: Server): void;
  /** From now on a connection lives only as long as a request runs on it, or until its upgrade ends. */
  endIdle(): void;
  /** Ends all of them. */
  cut(): void;
}

interface Connection {
  readonly socket: Socket;
  running: number;
}

export function createConnections(): Connections {
  const open = new Map<unknown, Connection>();
  let ending = false;

  const begin = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request;
    const connection = open.get(keyOf(socket));
    if (connection === undefined) return;
    connection.running += 1;
    response.once('close', () => {
      connection.running -= 1;
      if (ending && connection.running === 0) socket.destroySoon();
    });
  };

  return {
    watch(server) {
      server.on('connection', (socket: Socket) => {
        if (ending) return void socket.destroy();
        const key = keyOf(socket);
        const connection = { socket, running: 0 };
        open.set(key, connection);
        socket.once('close', () => {
          // By now a new connection may have the same port.
          if (open.get(key) === connection) open.delete(key);
        });
      });
      server.on('request', begin);
      server.on('checkExpectation', begin);
      server.on('upgrade', ({ socket }: IncomingMessage) => {
        const connection = open.get(keyOf(socket));
        if (connection !== undefined) connection.running += 1;
      });
    },
    endIdle() {
      ending = true;
      for (const { socket, running } of open.values()) if (running === 0) socket.destroy();
    },
    cut() {
      for (const { socket } of open.values()) socket.destroy();
    },
  };
}

/** Under TLS a request has another socket object than its connection, with the same peer. Unix sockets have no peer. */
const keyOf = (socket: Socket): unknown =>
  socket.remotePort === undefined ? socket : `${socket.remoteAddress} ${socket.remotePort}`;
