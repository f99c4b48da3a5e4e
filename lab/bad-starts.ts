import { mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** As api.md has them. */
export const EXIT = { failed: 1, usage: 2, unavailable: 69, permission: 77, config: 78 };

/** A home that cannot be used, or options that cannot, and what the program has to say to that. */
export interface BadStart {
  readonly name: string;
  readonly binary?: 'p2pmsgd' | 'p2pmsg-relay';
  /** Changes a copy of a good home. */
  spoil?(home: string): void;
  readonly args?: readonly string[];
  readonly exit: readonly number[];
  /** Comes so late that the database was opened and written already. */
  readonly late?: boolean;
  /** What the sentence has to name. */
  readonly says: RegExp;
}

export const badStarts = (port: number): readonly BadStart[] => [
  {
    name: 'unknown key in config.toml',
    spoil: copy => writeFileSync(join(copy, 'config.toml'), 'nmae = "x"\n'),
    exit: [EXIT.config],
    says: /nmae.*name/,
  },
  {
    name: 'config.toml that is no TOML',
    spoil: copy => writeFileSync(join(copy, 'config.toml'), 'name = \n'),
    exit: [EXIT.config],
    says: /config\.toml/,
  },
  {
    name: 'wrong value in config.toml',
    spoil: copy => writeFileSync(join(copy, 'config.toml'), '[api]\nlisten = "0.0.0.0:7300"\n'),
    args: [],
    exit: [EXIT.config],
    says: /api\.listen/,
  },
  {
    name: 'API port taken',
    late: true,
    args: ['--api', `127.0.0.1:${port}`],
    exit: [EXIT.unavailable],
    says: new RegExp(`${port}`),
  },
  {
    name: 'listen port taken',
    late: true,
    args: ['--api', '127.0.0.1:0', '--listen', `/ip4/127.0.0.1/tcp/${port}`],
    exit: [EXIT.unavailable],
    says: new RegExp(`${port}`),
  },
  { name: 'unknown flag', args: ['--colour'], exit: [EXIT.usage], says: /--colour/ },
  { name: 'unusable listen address', args: ['--listen', 'here'], exit: [EXIT.usage, EXIT.config], says: /here|listen/ },
  {
    name: 'unusable relay address',
    args: ['--relay', '/ip4/127.0.0.1/tcp/1'],
    exit: [EXIT.usage, EXIT.config],
    says: /relay/,
  },
  {
    name: 'newer schema',
    spoil: copy => setVersion(copy, 999),
    exit: [EXIT.config],
    says: /newer/,
  },
  {
    name: 'damaged identity.key',
    spoil: copy => writeFileSync(join(copy, 'identity.key'), 'no key'),
    exit: [EXIT.config, EXIT.failed],
    says: /identity\.key|key file/,
  },
  {
    name: 'empty identity.key',
    spoil: copy => truncateSync(join(copy, 'identity.key'), 0),
    exit: [EXIT.config, EXIT.failed],
    says: /identity\.key|key file/,
  },
  {
    name: 'identity.key that cannot be read',
    spoil: copy => {
      rmSync(join(copy, 'identity.key'));
      mkdirSync(join(copy, 'identity.key'));
    },
    exit: [EXIT.config, EXIT.permission, EXIT.failed],
    says: /identity\.key|key file/,
  },
  {
    name: 'a file where the home should be',
    spoil: copy => {
      rmSync(copy, { recursive: true });
      writeFileSync(copy, 'a file');
    },
    exit: [EXIT.permission, EXIT.config],
    says: /case-/,
  },
  {
    name: 'database that is none',
    spoil: copy => writeFileSync(join(copy, 'p2pmsg.db'), 'x'.repeat(8_192)),
    exit: [EXIT.failed],
    says: /p2pmsg\.db/,
  },
  {
    name: 'truncated database',
    spoil: copy => truncateSync(join(copy, 'p2pmsg.db'), statSync(join(copy, 'p2pmsg.db')).size / 2),
    exit: [EXIT.failed],
    says: /p2pmsg\.db|database/,
  },
  {
    name: 'database with a damaged first page',
    spoil: copy => overwrite(join(copy, 'p2pmsg.db'), 100, 900),
    exit: [EXIT.failed],
    says: /p2pmsg\.db|database/,
  },
  {
    // The history of a lost key is of no use to a new identity: a new one would hide the loss.
    name: 'identity.key missing beside a database',
    spoil: copy => rmSync(join(copy, 'identity.key')),
    exit: [EXIT.config, EXIT.failed],
    says: /identity\.key|key/,
  },
];

export const badRelayStarts = (port: number): readonly BadStart[] => [
  {
    name: 'relay: unknown key in config.toml',
    binary: 'p2pmsg-relay',
    spoil: copy => writeFileSync(join(copy, 'config.toml'), 'prot = 4001\n'),
    exit: [EXIT.config],
    says: /prot/,
  },
  {
    name: 'relay: listen port taken',
    binary: 'p2pmsg-relay',
    args: ['--listen', `/ip4/127.0.0.1/tcp/${port}`],
    exit: [EXIT.unavailable],
    says: new RegExp(`${port}`),
  },
  {
    name: 'relay: damaged identity.key',
    binary: 'p2pmsg-relay',
    spoil: copy => writeFileSync(join(copy, 'identity.key'), 'no key'),
    exit: [EXIT.config, EXIT.failed],
    says: /identity\.key|key file/,
  },
];

function setVersion(home: string, version: number): void {
  const database = new DatabaseSync(join(home, 'p2pmsg.db'));
  database.exec(`PRAGMA user_version = ${version}`);
  database.close();
}

/** Destroys a part of a file. */
export function overwrite(file: string, from: number, bytes: number): void {
  const content = readFileSync(file);
  content.fill(0xa5, from, from + bytes);
  writeFileSync(file, content);
}
