import { join } from 'node:path';
import { systemClock } from '../daemon/base/clock.ts';
import { createLogger, type LoggerControl } from '../daemon/base/logger.ts';
import { loadOrCreateIdentity } from '../daemon/net/keyfile.ts';
import { type Flags, loadConfig, type RelayConfig } from './config.ts';
import type { Home } from './home.ts';

export interface ServeOptions {
  readonly home: Home;
  readonly flags: Flags;
  readonly version: string;
  readonly env: NodeJS.ProcessEnv;
}

export interface RunningRelay {
  readonly peerId: string;
  readonly addresses: readonly string[];
  /** Reads the log level again. */
  reload(): void;
  /** Closes everything and frees the home. */
  stop(): Promise<void>;
}

/** Starts a relay on its home, and frees the home when it cannot. @throws Error with `exitCode` 69, 77 or 78 */
export async function serve(options: ServeOptions): Promise<RunningRelay> {
  const { home } = options;
  try {
    return await startOn(options);
  } catch (error) {
    home.release();
    throw error;
  }
}

async function startOn({ home, flags, version, env }: ServeOptions): Promise<RunningRelay> {
  const config = loadConfig(home.folder, flags, env);
  const log = await createLogger({ level: config.logLevel, pretty: process.stderr.isTTY });
  const { identity, created } = loadOrCreateIdentity(join(home.folder, 'identity.key'));
  // Bugs in libraries that a peer may trigger at will must not end the relay.
  process.on('unhandledRejection', reason => log.error({ reason: String(reason) }, 'unhandled rejection'));
  // Only now: a bad configuration or key is refused before a second is spent on loading libp2p.
  const [{ createRelay }, { createMetrics }] = await Promise.all([import('./relay.ts'), import('./metrics.ts')]);
  const metrics = config.metrics ? createMetrics() : null;
  const relay = await createRelay(
    { log, clock: systemClock, identity },
    {
      listen: config.listen,
      announce: config.announce,
      limits: config.limits,
      version,
      ...(metrics && { metrics: metrics.forHost }),
    },
  );
  await relay.start();
  const server =
    config.metrics && metrics ? await metrics.serve(config.metrics, () => relay.counts()).catch(stopFirst) : null;
  async function stopFirst(cause: unknown): Promise<never> {
    await relay.stop();
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    throw Object.assign(new Error(`the metrics address cannot be used (${String(code)})`, { cause }), {
      exitCode: code === 'EADDRINUSE' ? 69 : code === 'EACCES' ? 77 : 78,
    });
  }
  const addresses = sortForPeople(relay.addresses());
  home.publish({
    pid: process.pid,
    startedAtUnixMs: Date.now(),
    peerId: relay.peerId,
    addresses,
    ...(server && { metrics: server.address }),
  });
  log.info({ peer: relay.peerId, newIdentity: created, ...limitsForLog(config) }, 'relay started');
  return {
    peerId: relay.peerId,
    addresses,
    reload: () => reloadLevel(home, { flags, env, log }),
    async stop() {
      await server?.stop();
      await relay.stop();
      home.release();
      log.info({ peer: relay.peerId }, 'relay stopped');
    },
  };
}

function reloadLevel(
  home: Home,
  { flags, env, log }: { flags: Flags; env: NodeJS.ProcessEnv; log: LoggerControl },
): void {
  try {
    log.setLevel(loadConfig(home.folder, flags, env).logLevel);
  } catch (error) {
    log.warn({ reason: error instanceof Error ? error.message : '' }, 'the new configuration is not used');
  }
}

/** TCP before QUIC: who takes only the first one gets what works everywhere. */
const sortForPeople = (addresses: readonly string[]): string[] =>
  addresses.toSorted((a, b) => Number(a.includes('/quic-v1')) - Number(b.includes('/quic-v1')));

const limitsForLog = ({ limits }: RelayConfig): Record<string, number> => ({
  reservations: limits.reservations,
  circuitBytes: limits.circuitBytes,
  circuitSeconds: limits.circuitMs / 1_000,
});
