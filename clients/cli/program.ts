import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { inviteCommands, tokenCommands } from './access-commands.ts';
import { createApi, failureOf } from './api.ts';
import type { Cli } from './command.ts';
import { completionCommands } from './completion-command.ts';
import { connection } from './connect.ts';
import { consumerCommands } from './consumer-commands.ts';
import { contactCommands } from './contact-commands.ts';
import { CliFailure, EXIT } from './failure.ts';
import { historyCommands } from './history-commands.ts';
import { messageCommands } from './message-commands.ts';
import { networkCommands } from './network-commands.ts';
import { createOutput } from './output.ts';
import { searchCommand } from './search-command.ts';
import { tailCommand } from './tail-command.ts';
import { oneLine, safeJson } from './terminal-text.ts';
import { webhookCommands } from './webhook-commands.ts';
import { tuiCommand } from './tui-command.ts';

const DEFAULT_TIMEOUT_MS = 30_000;
/** A text has at most 32 KiB; what is longer is refused by the daemon, and endless input must not fill memory. */
const MAX_STDIN_BYTES = 1024 * 1024;

export interface CliContext {
  readonly version: string;
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

interface Common {
  readonly home?: string;
  readonly api?: string;
  readonly ca?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly timeout?: number;
}

/** Runs one command of `p2pmsg`; resolves to its exit code. */
export async function runCli(argv: readonly string[], context: CliContext): Promise<number> {
  const program = buildProgram(context);
  try {
    await program.parseAsync(argv);
    return EXIT.ok;
  } catch (error) {
    // commander has printed its own message; help and --version end that way with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (!(error instanceof CliFailure)) throw error;
    const { code, message } = error;
    const text = program.opts<Common>().json
      ? safeJson({ error: { ...(code === null ? {} : { code }), detail: message } })
      : `p2pmsg: ${oneLine(message)}`;
    context.stderr.write(`${text}\n`);
    return error.exitCode;
  }
}

/** The tree of commands. */
export function buildProgram(context: CliContext): Command {
  const program = new Command('p2pmsg')
    .description(
      'Talks to the p2pmsgd that runs on this machine. WHO is a PeerId, 8 or more of its first characters, or the name of a contact.',
    )
    .version(context.version)
    .exitOverride()
    .configureOutput({ writeOut: text => context.stdout.write(text), writeErr: text => context.stderr.write(text) })
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError()
    .option('--home <dir>', "the daemon's data folder (default: as for p2pmsgd)")
    .option('--api <url>', 'https://HOST:PORT of a daemon elsewhere; the token comes from P2PMSG_TOKEN(_FILE)')
    .option('--ca <file>', 'certificates to trust there, PEM (also P2PMSG_CA)')
    .option('--json', 'one JSON object per line')
    .option('--quiet', 'results and errors only')
    .option('--timeout <seconds>', 'give up after so long, with exit code 6 (default 30)', seconds)
    .addHelpText(
      'after',
      '\nExit codes: 0 ok, 1 failed, 2 usage, 3 daemon unreachable, 4 denied, 5 not found, 6 timed out',
    );

  const cli: Cli = {
    command: (usage, description, example, parent = program) =>
      parent.command(usage).description(description).addHelpText('after', `\nExample:\n  ${example}`),
    async run(action, { atLeastMs } = { atLeastMs: 0 }) {
      const { home, api: url, ca, json = false, quiet = false, timeout } = program.opts<Common>();
      const timeoutMs = timeout === undefined ? Math.max(DEFAULT_TIMEOUT_MS, atLeastMs) : timeout * 1000;
      const ending = new AbortController();
      const timer = Number.isFinite(timeoutMs) ? setTimeout(() => ending.abort(), timeoutMs) : undefined;
      try {
        const to = connection({ home, api: url, ca }, context.env);
        const api = createApi(to, ending.signal);
        const out = createOutput({ json, quiet, stdout: context.stdout, stderr: context.stderr });
        // Raced, so that the time-out does not depend on how anything below takes an abort.
        await Promise.race([action({ api, out }), aborted(ending.signal)]).catch((error: unknown) =>
          Promise.reject(failureOf(error, to, ending.signal)),
        );
      } finally {
        clearTimeout(timer);
      }
    },
    text: async argument => (argument === '-' ? (await readAll(context.stdin)).replace(/\r?\n$/, '') : argument),
  };
  networkCommands(cli);
  contactCommands(cli);
  inviteCommands(cli);
  messageCommands(cli);
  historyCommands(cli, context);
  searchCommand(cli);
  tailCommand(cli);
  tokenCommands(cli);
  webhookCommands(cli);
  consumerCommands(cli);
  tuiCommand(cli, context);
  completionCommands(cli, program, context);
  return program;
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });

async function readAll(stdin: NodeJS.ReadStream): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin) {
    chunks.push(Buffer.from(chunk));
    bytes += chunk.length;
    if (bytes > MAX_STDIN_BYTES) throw new CliFailure(EXIT.usage, `stdin has more than ${MAX_STDIN_BYTES} bytes`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  } catch (cause) {
    throw new CliFailure(EXIT.usage, 'stdin is not UTF-8', { cause });
  }
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 86_400)) throw new InvalidArgumentError('must be a number of seconds.');
  return value;
}
