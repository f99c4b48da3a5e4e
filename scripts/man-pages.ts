import type { EventEmitter } from 'node:events';
import type { Command, Option } from 'commander';

/** Front and back of a page; what stands between comes from the tree of commands. */
export interface ManPage {
  readonly program: Command;
  readonly description: readonly string[];
  readonly files: readonly (readonly [string, string])[];
  readonly environment: readonly (readonly [string, string])[];
  readonly exitCodes: readonly (readonly [string, string])[];
  readonly seeAlso: readonly string[];
}

/** groff's own characters: a hyphen-minus that can be copied, no control line by accident, no escape. */
const text = (words: string): string =>
  words
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('’', "'")
    .replaceAll(/^([.'])/gm, '\\&$1')
    .replaceAll(
      /[^\x00-\x7f]/gu,
      character => `\\[u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`,
    );

const bold = (words: string): string => `\\fB${text(words)}\\fR`;
const item = (term: string, about: string): string => `.TP\n${term}\n${text(about)}`;
const items = (title: string, pairs: readonly (readonly [string, string])[]): string[] =>
  pairs.length === 0 ? [] : [`.SH ${title}`, ...pairs.map(([term, about]) => item(bold(term), about))];

const optionItem = (option: Option): string => {
  const choices = option.argChoices ? ` One of: ${option.argChoices.join(', ')}.` : '';
  const about =
    option.description === '' ? '' : `${option.description[0]?.toUpperCase()}${option.description.slice(1)}.`;
  const env = option.envVar === undefined ? '' : ` Default: $${option.envVar}.`;
  return item(bold(option.flags), `${about}${choices}${env}`.trim() || 'See below.');
};

/** commander's types do not say that a command is one. */
const emitterOf = (command: Command): EventEmitter => command as unknown as EventEmitter;

/** The example that --help shows. */
function exampleOf(command: Command): string | null {
  let shown = '';
  const write = (words: string): void => void (shown += words);
  emitterOf(command).emit('afterHelp', { error: false, command, write });
  return /Example:\n\s*(.*)/.exec(shown)?.[1] ?? null;
}

function leaves(command: Command, path: readonly string[]): { command: Command; path: readonly string[] }[] {
  const help = command.createHelp();
  const own = [...path, command.name()];
  const children = help.visibleCommands(command).filter(child => child.name() !== 'help');
  const under = children.flatMap(child => leaves(child, own));
  // A command that only groups others says nothing of its own.
  return children.length > 0 && emitterOf(command).listenerCount('afterHelp') === 0
    ? under
    : [{ command, path: own }, ...under];
}

function commandSection({ command, path }: { command: Command; path: readonly string[] }): string[] {
  const words = command.registeredArguments.map(argument => {
    const name = argument.name() + (argument.variadic ? '...' : '');
    return argument.required ? `\\fI${text(name)}\\fR` : `[\\fI${text(name)}\\fR]`;
  });
  const options = command.options.filter(option => !option.hidden);
  const example = exampleOf(command);
  const about = command.description();
  return [
    `.SS ${[bold(path.slice(1).join(' ')), ...words, ...(options.length > 0 ? ['[options]'] : [])].join(' ')}`,
    text(`${about[0]?.toUpperCase()}${about.slice(1)}.`),
    ...options.map(optionItem),
    ...(example === null ? [] : ['.PP', 'Example:', '.PP', '.RS', '.nf', text(example), '.fi', '.RE']),
  ];
}

/** A page of section 1, in man(7). */
export function manPage({ program, description, files, environment, exitCodes, seeAlso }: ManPage): string {
  const name = program.name();
  const options = program.options.filter(option => !option.hidden && option.long !== '--version');
  const sections = leaves(program, [])
    .filter(({ command }) => command !== program)
    .flatMap(commandSection);
  return `${[
    '.\\" Made by scripts/generate-man.ts from the tree of commands: do not edit.',
    `.TH ${text(name.toUpperCase())} 1 "" "p2pmsg" "User Commands"`,
    '.SH NAME',
    `${text(name)} \\- ${text(program.description().replace(/\.$/, '').split(/[.:] /)[0] ?? '')}`,
    '.SH SYNOPSIS',
    `.B ${text(name)}`,
    '[options] \\fIcommand\\fR [...]',
    '.SH DESCRIPTION',
    ...description.flatMap(paragraph => ['.PP', text(paragraph)]),
    ...(options.length > 0 ? ['.SH OPTIONS', ...options.map(optionItem)] : []),
    '.SH COMMANDS',
    ...sections,
    ...items('EXIT STATUS', exitCodes),
    ...items('ENVIRONMENT', environment),
    ...items('FILES', files),
    '.SH SEE ALSO',
    seeAlso.map(page => `${bold(page)}(1)`).join(', '),
  ].join('\n')}\n`;
}
