/** The settings cannot be used; `serve` ends with 78, or 77 where a permission is missing. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly exitCode: 77 | 78;

  constructor(message: string, exitCode: 77 | 78 = 78, options: { cause?: unknown } = {}) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
