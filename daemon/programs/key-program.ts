import type { Command } from 'commander';
import { Option } from 'commander';
import type { ProgramDeps } from './daemon-contract.ts';
import type { KeyChange, KeyOptions } from './key-command.ts';

/** `p2pmsgd key …`: encryption of the data folder. */
export function addKeyCommands(cli: {
  readonly program: Command;
  readonly deps: ProgramDeps;
  readonly command: (parent: Command, usage: string, description: string, example: string) => Command;
  readonly print: (value: object, text: string) => void;
  readonly homeOf: () => string;
  readonly common: () => { readonly passphraseFile?: string };
}): void {
  const { command, deps, homeOf, print } = cli;
  const key = cli.program.command('key').description('encrypt the data folder, change its key, or decrypt it');
  const sources = (): Option =>
    new Option('--source <source>', 'where the key comes from at each start').choices([
      'credential',
      'keyring',
      'passphrase',
      'file',
    ]);
  const tell = async (change: Promise<KeyChange>): Promise<void> => {
    const { changeLine } = await import('./key-command.ts');
    const done = await change;
    print(done, changeLine(homeOf(), done));
  };
  const optionsOf = (flags: KeyOptions): KeyOptions => ({ ...cli.common(), ...flags });

  command(key, 'status', 'say whether the home is encrypted, and by which key', 'p2pmsgd key status').action(
    async () => {
      const { keyLine, keyState } = await import('./key-command.ts');
      const state = keyState(homeOf());
      print(state, keyLine(homeOf(), state));
    },
  );
  command(
    key,
    'set',
    'encrypt the home; without --source: systemd credential, else keyring, else passphrase, else a file',
    'p2pmsgd key set --source passphrase',
  )
    .addOption(sources())
    .action(async (flags: KeyOptions) => {
      const { setKey } = await import('./key-command.ts');
      await tell(setKey(deps, homeOf(), optionsOf(flags)));
    });
  command(key, 'rotate', 'encrypt everything anew under a new key', 'p2pmsgd key rotate --source keyring')
    .addOption(sources())
    .option('--new-passphrase-file <file>', 'the new passphrase is its first line')
    .option('--new-key-file <file>', 'the new key; for a systemd credential')
    .action(async (flags: KeyOptions) => {
      const { rotateKey } = await import('./key-command.ts');
      await tell(rotateKey(deps, homeOf(), optionsOf(flags)));
    });
  command(key, 'remove', 'decrypt the home', 'p2pmsgd key remove').action(async (flags: KeyOptions) => {
    const { removeKey } = await import('./key-command.ts');
    await tell(removeKey(deps, homeOf(), optionsOf(flags)));
  });
}
