import { homedir } from 'node:os';
import { Argument, type Command } from 'commander';
import { contactsOf, createApi, requestsOf } from './api.ts';
import type { Cli } from './command.ts';
import { type Candidate, type Completion, completionOf, unquoted } from './completion.ts';
import { COMPLETION_SCRIPTS, SHELLS, type Shell } from './completion-scripts.ts';
import { connection } from './connect.ts';
import { shortId } from './contact-commands.ts';
import { oneLine } from './terminal-text.ts';

/** Longer, a person who has pressed tab would wonder. */
const ANSWER_WITHIN_MS = 800;

export interface CompletionContext {
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: NodeJS.WritableStream;
}

export function completionCommands(cli: Cli, program: Command, { env, stdout }: CompletionContext): void {
  cli
    .command(
      'completion',
      'print what your shell needs to complete commands and names',
      'source <(p2pmsg completion bash)',
    )
    .addArgument(new Argument('<shell>', 'your shell').choices(SHELLS))
    .action((shell: Shell) => {
      stdout.write(COMPLETION_SCRIPTS[shell]);
    });

  program
    .command('__complete [words...]', { hidden: true })
    .allowUnknownOption()
    .action(async (typed: readonly string[]) => {
      const words = typed.map(word => unquoted(word, env['HOME'] ?? homedir()));
      const completion = completionOf(program, words);
      if (completion.kind === 'files') {
        stdout.write(':files\n');
        return;
      }
      const current = words.at(-1) ?? '';
      for (const { value, about } of await candidatesOf(completion, words, env))
        if (value.toLowerCase().startsWith(current.toLowerCase())) stdout.write(`${value}\t${oneLine(about)}\n`);
    });
}

async function candidatesOf(
  completion: Exclude<Completion, { kind: 'files' }>,
  words: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<readonly Candidate[]> {
  if (completion.kind === 'words') return completion.words;
  try {
    const at = words.indexOf('--home');
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    const api = createApi(connection({ home: at < 0 ? undefined : words[at + 1] }, env), signal);
    const known = await (completion.among === 'contacts' ? contactsOf(api) : requestsOf(api));
    // A name that a terminal must not get, or that is somebody else's too, is no help: then it is the PeerId.
    const count = (name: string): number => known.filter(one => one.name === name).length;
    return known.map(({ peerId, name }) =>
      name !== '' && oneLine(name) === name && count(name) === 1
        ? { value: name, about: shortId(peerId) }
        : { value: shortId(peerId), about: name },
    );
  } catch {
    return []; // In the middle of a command line there is no place for what went wrong.
  }
}
