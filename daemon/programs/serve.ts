import { existsSync } from 'node:fs';
import { enableCompileCache, flushCompileCache } from 'node:module';
import type { LoggerControl } from '../base/logger.ts';
import { settleMemorySoon } from '../base/settle-memory.ts';
import type { Config } from '../config.ts';
import type { LoadedConfig, SettingKey } from '../config-sources.ts';
import { changedSettings, loadConfig, RELOADABLE } from '../config-sources.ts';
import { chooseHome, homePaths, openHome, removeRunFile, writeRunFile } from '../home.ts';
import { EXIT, startFault } from '../start-fault.ts';
import type { Daemon, ProgramDeps, Started } from './daemon-contract.ts';
import { firstRunText } from './first-run.ts';
import { openHomeKey } from './home-key.ts';
import { systemd } from './systemd.ts';

/** How long a stop may drain before the process ends all the same. */
const STOP_TIMEOUT_MS = 5_000;
/** Node writes the compile cache at the exit, and a kill would lose it. Late enough not to delay the start. */
const FLUSH_AFTER_MS = 2_000;

export interface ServeOptions {
  readonly home: string | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly passphraseFile: string | undefined;
  readonly flags: Partial<Record<SettingKey, unknown>>;
}

/**
 * Runs the daemon until a signal ends it; resolves to the exit code. The order matters: nothing is opened before
 * the lock is held, and libp2p and libsignal are not even loaded.
 */
export async function serve(deps: ProgramDeps, options: ServeOptions): Promise<number> {
  const home = chooseHome(options.home, process.env).folder;
  const load = (): LoadedConfig => loadConfig({ home, env: process.env, flags: options.flags });
  surviveClosedOutput();
  // Without a listener a hangup ends the process; before the daemon is up there is nothing to reload.
  process.on('SIGHUP', () => undefined);
  const stop = stopRequest();
  let held: { release(): void } | undefined;
  let daemon: Daemon | undefined;
  try {
    openHome(home);
    const paths = homePaths(home);
    enableCompileCache(paths.cache);
    const { config, secrets } = load();
    held = await deps.takeLock(home);
    const firstRun = !existsSync(paths.identity);
    const key = await openHomeKey(home, config, options.passphraseFile);
    const log = await openLog(config);
    dieOnBugs(log);
    const startedAtUnixMs = Date.now();
    daemon = await deps.createDaemon({
      config,
      secrets,
      key,
      home,
      log,
      version: deps.version,
      onFatal: dieOf(log, 'fatal'),
    });
    const started = await daemon.start();
    const { peerId, api, socket } = started;
    writeRunFile(home, { pid: process.pid, startedAtUnixMs, api, socket: socket ?? null, peerId });
    sayReady(started, options.json);
    setTimeout(flushCompileCache, FLUSH_AFTER_MS).unref();
    settleMemorySoon();
    if (firstRun && !options.quiet && process.stderr.isTTY)
      process.stderr.write(firstRunText(started, home, config.presence.discoverable));
    const service = systemd(process.env);
    service.ready();
    using _reload = reloadOnHangup(daemon, config, load, log);
    await stop.requested;
    service.stopping();
    log.info({}, 'stopping');
    setTimeout(() => {
      log.error({ limitMs: STOP_TIMEOUT_MS }, 'did not stop in time');
      process.exit(EXIT.failed);
    }, STOP_TIMEOUT_MS).unref();
    await daemon.stop();
    removeRunFile(home);
    return EXIT.ok;
  } catch (error) {
    await daemon?.stop().catch(() => undefined); // The first fault is the one to tell.
    const fault = startFault(error, home);
    if (!fault) throw error;
    process.stderr.write(`p2pmsgd: ${fault.message}\n`);
    return fault.exitCode;
  } finally {
    held?.release();
  }
}

function sayReady({ peerId, api, addresses }: Started, json: boolean): void {
  const { pid } = process;
  const line = json
    ? JSON.stringify({ event: 'ready', peerId, api, pid, addresses })
    : `ready peer=${peerId} api=${api} pid=${pid}`;
  process.stdout.write(`${line}\n`);
}

/** The first SIGTERM or SIGINT asks to stop, the second ends the process. */
function stopRequest(): { requested: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let asked = false;
  for (const [signal, number] of [
    ['SIGTERM', 15],
    ['SIGINT', 2],
  ] as const)
    process.on(signal, () => {
      if (asked) process.exit(128 + number);
      asked = true;
      resolve();
    });
  return { requested: promise };
}

/** A script that has read the ready line may close the pipe; that must not end the daemon. */
function surviveClosedOutput(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
    });
}

/** A reload is refused as a whole when the file has a fault: the daemon goes on with what it has. */
function reloadOnHangup(daemon: Daemon, initial: Config, load: () => LoadedConfig, log: LoggerControl): Disposable {
  let current = initial;
  let last = Promise.resolve();
  const reload = async (): Promise<void> => {
    try {
      const { config } = load();
      const changed = changedSettings(current, config);
      log.setLevel(config.log.level);
      await daemon.reload(config);
      const needRestart = changed.filter(key => !RELOADABLE.includes(key));
      current = config;
      log.info({ changed, needRestart }, 'configuration read again');
      if (needRestart.length > 0)
        process.stderr.write(`p2pmsgd: these changes need a restart: ${needRestart.join(', ')}\n`);
    } catch (error) {
      process.stderr.write(`p2pmsgd: the configuration stays as it was: ${(error as Error).message}\n`);
    }
  };
  const onHangup = (): void => {
    last = last.then(reload);
  };
  process.on('SIGHUP', onHangup);
  return { [Symbol.dispose]: () => process.off('SIGHUP', onHangup) };
}

async function openLog(config: Config): Promise<LoggerControl> {
  const { createLogger } = await import('../base/logger.ts');
  const { level, format } = config.log;
  return createLogger({ level, pretty: format === 'pretty' || (format === 'auto' && process.stderr.isTTY === true) });
}

/** State after an unexpected throw is unknown; a restart is clean because all state is in the database. */
function dieOnBugs(log: LoggerControl): void {
  process.on('uncaughtException', dieOf(log, 'uncaught exception'));
  process.on('unhandledRejection', dieOf(log, 'unhandled rejection'));
}

const dieOf =
  (log: LoggerControl, what: string) =>
  (error: unknown): void => {
    log.error({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }, what);
    process.exit(EXIT.failed);
  };
