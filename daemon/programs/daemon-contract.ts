import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Config, Secrets } from '../config.ts';
import type { HomeKey } from '../keys/unlock.ts';

/** What `serve` needs of the daemon; `daemon.ts` provides it, tests put a fake in its place. */
export type CreateDaemon = (options: {
  readonly config: Config;
  readonly secrets: Secrets;
  /** Null or absent: the home is in the clear. */
  readonly key?: HomeKey | null;
  readonly home: string;
  readonly log: Logger;
  readonly version: string;
  /** The time of everything but the network; the system's when left out. */
  readonly clock?: Clock;
  /** A fault after which no commit can be trusted: the process ends at once. */
  readonly onFatal: (error: unknown) => void;
}) => Promise<Daemon>;

export interface Daemon {
  /** Resolves when database, API and swarm are up; never waits for a relay. */
  start(): Promise<Started>;
  /** Drains and stops. Repeating it is harmless. */
  stop(): Promise<void>;
  /** Applies what can change while running (RELOADABLE in config-sources.ts). */
  reload(config: Config): Promise<unknown>;
}

export interface Started {
  readonly peerId: string;
  /** `http://HOST:PORT` with the real port. */
  readonly api: string;
  readonly socket?: string | undefined;
  readonly addresses: readonly string[];
}

export interface ProgramDeps {
  readonly createDaemon: CreateDaemon;
  /** @throws Error with code LOCKED and the pid in `holder` */
  readonly takeLock: (home: string) => Promise<{ release(): void }>;
  readonly version: string;
}
