import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { prometheusMetrics } from '@libp2p/prometheus-metrics';
import { Gauge, Registry } from 'prom-client';
import type { HostOptions } from '../daemon/net/host.ts';
import type { HostPort } from './config.ts';
import type { RelayCounts } from './relay.ts';

export interface MetricsServer {
  /** Where it really listens, `127.0.0.1:9100`. */
  readonly address: string;
  stop(): Promise<void>;
}

export interface Metrics {
  /** For the libp2p host, before it is built. */
  readonly forHost: NonNullable<HostOptions['metrics']>;
  /** Answers `GET /metrics` on its own listener. @throws Error EADDRINUSE, EACCES */
  serve(where: HostPort, counts: () => RelayCounts): Promise<MetricsServer>;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  return {
    forHost: prometheusMetrics({ registry, preserveExistingMetrics: true }),
    async serve(where, counts) {
      addGauges(registry, counts);
      const server = createServer({ maxHeaderSize: 8 * 1024, requestTimeout: 10_000, headersTimeout: 5_000 });
      server.on('request', (request, response) => void answer(registry, request, response));
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host: where.host, port: where.port, exclusive: true }, resolve);
      });
      const { address, port, family } = server.address() as AddressInfo;
      return {
        address: family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`,
        stop: () =>
          new Promise(resolve => {
            server.close(() => resolve());
            server.closeAllConnections();
          }),
      };
    },
  };
}

async function answer(registry: Registry, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const finish = (status: number, type: string, body: string): void => {
    response.writeHead(status, {
      'content-type': type,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
    });
    response.end(request.method === 'HEAD' ? '' : body);
  };
  const local = request.socket.address() as AddressInfo;
  if (!isOwnHost(request.headers.host, local.port)) return finish(403, 'text/plain', 'unknown Host\n');
  if (request.headers.origin !== undefined) return finish(403, 'text/plain', 'not for web pages\n');
  if (request.url?.split('?')[0] !== '/metrics') return finish(404, 'text/plain', 'see /metrics\n');
  if (request.method !== 'GET' && request.method !== 'HEAD') return finish(405, 'text/plain', 'GET only\n');
  finish(200, registry.contentType, await registry.metrics());
}

/** A name in `Host` would let a web page reach us by DNS rebinding: only `localhost` and literal addresses pass. */
function isOwnHost(host: string | undefined, port: number): boolean {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+)):(\d+)$/i.exec(host ?? '');
  if (!match || Number(match[3]) !== port) return false;
  const name = (match[1] ?? match[2] ?? '').toLowerCase();
  return name === 'localhost' || isIP(name) !== 0;
}

function addGauges(registry: Registry, counts: () => RelayCounts): void {
  const gauges: [name: string, help: string, read: (all: RelayCounts) => number][] = [
    ['p2pmsg_relay_connections', 'Open connections.', all => all.connections],
    ['p2pmsg_relay_reservations', 'Peers with a reservation.', all => all.reservations],
    ['p2pmsg_relay_lobby_forwarded', 'Lobby messages passed on since the start.', all => all.lobbyForwarded],
    ['p2pmsg_relay_lobby_ignored', 'Lobby messages not passed on since the start.', all => all.lobbyIgnored],
  ];
  for (const [name, help, read] of gauges) {
    const gauge = new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        gauge.set(read(counts()));
      },
    });
  }
}
