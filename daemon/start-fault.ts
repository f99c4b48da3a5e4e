/** What `serve` and its sister commands exit with; from sysexits.h where it has a value. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  unavailable: 69,
  permission: 77,
  config: 78,
} as const;

/** An expected reason not to start. `message` is the one sentence the user sees, `exitCode` what the process ends with. */
export class StartFault extends Error {
  override readonly name = 'StartFault';
  readonly exitCode: number;

  constructor(exitCode: number, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

const codeOf = (error: unknown): string | undefined => {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
};

/** Turns what a start can throw into one sentence and an exit code; null for a fault nobody expected. */
export function startFault(error: unknown, home: string): StartFault | null {
  if (error instanceof StartFault) return error;
  const message = error instanceof Error ? error.message : String(error);
  const cause = { cause: error };
  const exitCode = (error as { exitCode?: unknown } | null)?.exitCode;
  if (typeof exitCode === 'number') return new StartFault(exitCode, message, cause); // KeyFileError says it itself.
  switch (codeOf(error)) {
    case 'LOCKED': {
      const holder = (error as { holder?: unknown }).holder;
      const who = typeof holder === 'number' ? `process ${holder}` : 'another process';
      return new StartFault(EXIT.unavailable, `${who} already runs with the data folder ${home}`, cause);
    }
    case 'EADDRINUSE':
      return new StartFault(
        EXIT.unavailable,
        `the port is taken: ${message} (choose another with --api HOST:PORT)`,
        cause,
      );
    case 'EADDRNOTAVAIL':
      return new StartFault(EXIT.unavailable, `the address is not one of this machine: ${message}`, cause);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new StartFault(EXIT.permission, `permission denied: ${message}`, cause);
    case 'SCHEMA_NEWER':
    case 'SQLITE_TOO_OLD':
    case 'KEY_MISMATCH':
      return new StartFault(EXIT.config, message, cause);
    case 'DAMAGED':
    case 'UNREADABLE':
      return new StartFault(EXIT.failed, message, cause);
    default:
      return null;
  }
}
