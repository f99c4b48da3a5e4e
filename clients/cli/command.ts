import type { Command } from 'commander';
import type { Api } from './api.ts';
import type { Output } from './output.ts';

/** What the action of a command works with. */
export interface Session {
  readonly api: Api;
  readonly out: Output;
}

/** Registers commands; `run` connects, runs the action and ends it at the time-out. */
export interface Cli {
  /** A command with its description and an example, which --help shows. */
  command(usage: string, description: string, example: string, parent?: Command): Command;
  /** `atLeastMs` raises the usual time-out, Infinity takes it away; what the user gave with --timeout counts. */
  run(action: (session: Session) => Promise<void>, options?: { atLeastMs: number }): Promise<void>;
  /** Text of an argument; `-` reads stdin, without its last line break. */
  text(argument: string): Promise<string>;
}
