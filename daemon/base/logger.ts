import { pino } from 'pino';

/**
 * Structured log. Fields carry ids, counts and codes; never text of messages, keys, tokens, or full addresses at
 * `info` and above. `error` means a bug, `warn` that someone should look.
 */
export interface Logger {
  debug(fields: Record<string, unknown>, message: string): void;
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
  child(bindings: Record<string, unknown>): Logger;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface LoggerControl extends Logger {
  setLevel(level: LogLevel): void;
}

/** Writes to stderr: stdout belongs to the `ready` line. `pretty` is for a terminal. */
export async function createLogger(options: { level: LogLevel; pretty: boolean }): Promise<LoggerControl> {
  const stream = options.pretty
    ? (await import('pino-pretty')).default({
        destination: 2,
        sync: true,
        ignore: 'pid,hostname',
        colorize: !process.env['NO_COLOR'],
      })
    : pino.destination({ fd: 2, sync: true });
  const root = pino({ level: options.level, base: null }, stream);
  return wrap(root, root);
}

function wrap(log: import('pino').Logger, root: import('pino').Logger): LoggerControl {
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error: (fields, message) => log.error(fields, message),
    child: bindings => wrap(log.child(bindings), root),
    setLevel: level => {
      root.level = level;
    },
  };
}

const nothing = (): void => undefined;
/** For tests and for parts that run before the log is open. */
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger,
};
