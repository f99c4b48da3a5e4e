import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

interface FakeEvent {
  readonly seq: number;
  readonly type: string;
  readonly atUnixMs: number;
  readonly data: unknown;
}

/** The event log of a fake daemon, over WebSocket: what is pushed while nobody is connected is sent to who comes back. */
export class FakeLog {
  readonly events: FakeEvent[] = [];
  /** Cursors that clients came with, in order. */
  readonly cursors: string[] = [];
  readonly #sockets = new Set<Duplex>();
  logId = 'L';
  /** While false, a connection is cut as soon as it comes. */
  accepts = true;

  push(type: string, data: unknown): void {
    const event = { seq: this.events.length + 1, type, atUnixMs: 1, data };
    this.events.push(event);
    for (const socket of this.#sockets) send(socket, { kind: 'event', ...event });
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  /** Answer of `GET /v1/events?after=head`. */
  head(): object {
    const head = this.events.length;
    return { logId: this.logId, events: [], head, oldest: 1, next: head };
  }

  upgrade(request: IncomingMessage, socket: Duplex): void {
    const after = new URL(request.url ?? '/', 'http://x').searchParams.get('after') ?? '';
    if (!this.accepts) return void socket.destroy();
    this.cursors.push(after);
    const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash('sha1').update(key).digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    this.#sockets.add(socket);
    const gone = (): void => void this.#sockets.delete(socket);
    socket
      .on('close', gone)
      .on('error', gone)
      .on('end', () => socket.destroy())
      .resume();
    send(socket, { kind: 'hello', version: 'x', logId: this.logId, head: this.events.length, oldest: 1 });
    for (const event of this.events.slice(Number(after))) send(socket, { kind: 'event', ...event });
  }
}

/** One unmasked text frame (RFC 6455, 5.2). */
function send(socket: Duplex, value: object): void {
  const payload = Buffer.from(JSON.stringify(value));
  const header = Buffer.alloc(payload.length < 126 ? 2 : 4);
  header[0] = 0x81;
  header[1] = payload.length < 126 ? payload.length : 126;
  if (header.length === 4) header.writeUInt16BE(payload.length, 2);
  socket.write(Buffer.concat([header, payload]));
}
