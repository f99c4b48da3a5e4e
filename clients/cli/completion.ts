import type { Command, Option } from 'commander';

/** One thing that may stand at the cursor. */
export interface Candidate {
  readonly value: string;
  readonly about: string;
}
/** What stands at the cursor: known words, a file, or somebody whom only the daemon knows. */
export type Completion =
  | { readonly kind: 'words'; readonly words: readonly Candidate[] }
  | { readonly kind: 'files' }
  | { readonly kind: 'who'; readonly among: 'contacts' | 'requests' };

const NOTHING: Completion = { kind: 'words', words: [] };

/**
 * What fits for the last of `words` (which may be empty), by the tree of commands. Options are where commander finds
 * them: those of the command and of the whole program.
 */
export function completionOf(program: Command, words: readonly string[]): Completion {
  const done = words.slice(0, -1);
  const current = words.at(-1) ?? '';
  let command = program;
  let positional = 0;
  let waiting: Option | null = null;
  let onlyArguments = false;
  for (const word of done) {
    if (waiting !== null && !(waiting.variadic && word.startsWith('-'))) {
      if (!waiting.variadic) waiting = null;
      continue;
    }
    waiting = null;
    if (onlyArguments) positional += 1;
    else if (word === '--') onlyArguments = true;
    else if (word.startsWith('-')) waiting = takesValue(optionOf(command, program, word));
    else {
      const child: Command | undefined = positional === 0 ? childOf(command, word) : undefined;
      if (child) command = child;
      else positional += 1;
    }
  }
  if (waiting !== null && !(waiting.variadic && current.startsWith('-'))) return valueOf(waiting);
  if (current.startsWith('-') && !onlyArguments) return optionsOf(command, program);
  const children = visible(command);
  if (children.length > 0 && positional === 0 && !onlyArguments)
    return { kind: 'words', words: children.map(child => ({ value: child.name(), about: child.description() })) };
  const argument = command.registeredArguments[positional];
  if (!argument) return NOTHING;
  if (argument.argChoices) return { kind: 'words', words: argument.argChoices.map(value => ({ value, about: '' })) };
  if (argument.name() === 'file') return { kind: 'files' };
  if (argument.name() !== 'who') return NOTHING;
  return { kind: 'who', among: ['accept', 'ignore'].includes(command.name()) ? 'requests' : 'contacts' };
}

/** The commands that help shows. */
export const visible = (command: Command): readonly Command[] =>
  command
    .createHelp()
    .visibleCommands(command)
    .filter(child => child.name() !== 'help');

const childOf = (command: Command, word: string): Command | undefined =>
  command.commands.find(child => child.name() === word || child.aliases().includes(word));

const optionOf = (command: Command, program: Command, word: string): Option | undefined =>
  [...command.options, ...program.options].find(({ long, short }) => word === long || word === short);

/** `--option=value` has its value already. */
const takesValue = (option: Option | undefined): Option | null =>
  option?.required || option?.optional ? option : null;

function valueOf(option: Option): Completion {
  if (option.argChoices) return { kind: 'words', words: option.argChoices.map(value => ({ value, about: '' })) };
  if (/<(?:dir|file)>/.test(option.flags)) return { kind: 'files' };
  return /<who>/.test(option.flags) ? { kind: 'who', among: 'contacts' } : NOTHING;
}

function optionsOf(command: Command, program: Command): Completion {
  const options = [...command.options, ...program.options].filter(option => !option.hidden);
  const words = options.map(option => ({ value: option.long ?? option.short ?? '', about: option.description }));
  return { kind: 'words', words: [...words, { value: '--help', about: 'display help' }] };
}

/** A word as it stands in a shell's line, without its quotes: for comparing only. */
export const unquoted = (word: string, userHome: string): string =>
  word
    .replace(/^~(?=\/|$)/, () => userHome)
    .replaceAll(/\\(.)/gs, '$1')
    .replaceAll(/^["']|["']$/g, '');
