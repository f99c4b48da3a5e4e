import { createInterface } from 'node:readline';
import { EXIT, StartFault } from '../start-fault.ts';

/** From the terminal without echo, twice when it is new; otherwise the first line of stdin. */
export async function readPassphrase(options: { isNew: boolean; question?: string }): Promise<string> {
  const question = options.question ?? 'Passphrase: ';
  const passphrase = process.stdin.isTTY ? await prompt(question) : await firstLine();
  if (passphrase === '')
    throw new StartFault(EXIT.usage, 'the passphrase is empty (it is read from the terminal or from stdin)');
  if (options.isNew && process.stdin.isTTY && (await prompt('Once more:  ')) !== passphrase)
    throw new StartFault(EXIT.failed, 'the two passphrases differ');
  return passphrase;
}

async function firstLine(): Promise<string> {
  for await (const line of createInterface({ input: process.stdin })) return line;
  return '';
}

async function prompt(question: string): Promise<string> {
  process.stderr.write(question);
  const { stdin } = process;
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  let typed = '';
  try {
    for await (const chunk of stdin.iterator({ destroyOnReturn: false })) {
      for (const key of chunk as string) {
        if (key === '\r' || key === '\n') return typed;
        if (key === '\u0003' || key === '\u0004') throw new StartFault(EXIT.failed, 'cancelled');
        // Backspace and delete take the last code point away.
        typed = key === '\u007f' || key === '\b' ? typed.replace(/.$/su, '') : typed + key;
      }
    }
    return typed;
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    process.stderr.write('\n');
  }
}
