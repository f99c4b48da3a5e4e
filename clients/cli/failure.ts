/** Exit codes that scripts rely on. */
export const EXIT = { ok: 0, failed: 1, usage: 2, unreachable: 3, denied: 4, notFound: 5, timedOut: 6 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** An expected failure of a command: one sentence and the exit code. */
export class CliFailure extends Error {
  override readonly name = 'CliFailure';
  readonly exitCode: ExitCode;
  /** Code of the API's error registry, when the daemon gave one. */
  readonly code: string | null;

  constructor(exitCode: ExitCode, message: string, options: { code?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.exitCode = exitCode;
    this.code = options.code ?? null;
  }
}

/** How an HTTP status of the API ends a command. */
export function exitCodeOf(status: number): ExitCode {
  if (status === 401 || status === 403) return EXIT.denied;
  if (status === 404) return EXIT.notFound;
  if (status === 400) return EXIT.usage;
  return EXIT.failed;
}
