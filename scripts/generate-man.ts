import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildProgram as cliProgram } from '../clients/cli/program.ts';
import { buildProgram as daemonProgram } from '../daemon/programs/program.ts';
import { buildProgram as relayProgram } from '../relay/program.ts';
import { type ManPage, manPage } from './man-pages.ts';

// Writes docs/man/*.1. Run by `npm run generate`; `npm run generate:check` fails when a page is not fresh.
const never = (): never => {
  throw new Error('a page is made without running any command');
};
const { env, stdin, stdout, stderr } = process;

const home: readonly [string, string] = [
  'P2PMSG_HOME',
  "The data folder. Without it $STATE_DIRECTORY, else the user's data folder (~/.local/share/p2pmsg on Linux).",
];
const PAGES: readonly ManPage[] = [
  {
    program: cliProgram({ version: '', env, stdin, stdout, stderr }),
    description: [
      'Talks to the p2pmsgd that runs on this machine, over its local API. WHO is a PeerId, 8 or more of its first characters, or the name of a contact; an ambiguous one is refused with the list.',
      'Results go to standard output, words to people to standard error. With --json there is one JSON object a line. Off a terminal there are no colours and no questions.',
    ],
    exitCodes: [
      ['0', 'Ok.'],
      ['1', 'Failed.'],
      ['2', 'Wrong usage, or an ambiguous name.'],
      ['3', 'The daemon cannot be reached.'],
      ['4', 'The token is missing or may not do this.'],
      ['5', 'There is nothing and nobody called so.'],
      ['6', 'Timed out.'],
    ],
    environment: [
      home,
      ['P2PMSG_TOKEN, P2PMSG_TOKEN_FILE', 'A token, or a file that has one, instead of that of the data folder.'],
      ['P2PMSG_API', 'HOST:PORT of the daemon where there is no data folder.'],
      ['NO_COLOR', 'No colours.'],
    ],
    files: [
      ['DIR/run.json', 'Where the daemon of this data folder listens.'],
      ['DIR/admin-token', 'The token that the commands use.'],
    ],
    seeAlso: ['p2pmsgd', 'p2pmsg-relay'],
  },
  {
    program: daemonProgram({ version: '', createDaemon: never, takeLock: never }, never),
    description: [
      'Sends and receives end-to-end encrypted messages without a server, and offers them to programs on this machine over a local REST and WebSocket API.',
      'The first SIGTERM or SIGINT stops it within 5 seconds, a second one at once. SIGHUP reads relays, bootstrap nodes, log level and presence.discoverable again.',
    ],
    exitCodes: [
      ['0', 'Ok, or stopped by a signal.'],
      ['1', 'Failed.'],
      ['2', 'Wrong usage.'],
      ['3', 'health: the daemon cannot be reached.'],
      ['69', 'The data folder is in use, or the port is taken.'],
      ['77', 'Permission denied.'],
      ['78', 'A fault in the configuration, an old Node, or data of a newer version.'],
    ],
    environment: [
      home,
      [
        'P2PMSG_NAME, P2PMSG_API, P2PMSG_LISTEN, P2PMSG_RELAYS, P2PMSG_BOOTSTRAP, P2PMSG_MDNS, P2PMSG_LOG_LEVEL',
        'Settings, stronger than config.toml and weaker than options; lists have commas.',
      ],
      ['NOTIFY_SOCKET, WATCHDOG_USEC', 'Set by systemd: it is told when the daemon is ready, alive and stopping.'],
    ],
    files: [
      ['DIR/config.toml', 'Settings; p2pmsgd config show lists them all.'],
      ['DIR/identity.key', 'Who you are. Whoever has it is you.'],
      ['DIR/p2pmsg.db', 'Messages, contacts and sessions.'],
      ['DIR/backups', 'A copy of the database before each change of its schema.'],
    ],
    seeAlso: ['p2pmsg', 'p2pmsg-relay'],
  },
  {
    program: relayProgram({ version: '', run: never }),
    description: [
      'Lets daemons behind NAT be reached through it, and tells them of each other. It carries what it cannot read: connections are encrypted from end to end.',
    ],
    exitCodes: [
      ['0', 'Stopped by a signal.'],
      ['2', 'Wrong usage.'],
      ['69', 'The data folder is in use, or the port is taken.'],
      ['77', 'Permission denied.'],
      ['78', 'A fault in the configuration, or an old Node.'],
    ],
    environment: [['P2PMSG_HOME', 'The data folder, where there is no --home.']],
    files: [
      ['DIR/config.toml', 'Settings.'],
      ['DIR/identity.key', 'Who the relay is.'],
    ],
    seeAlso: ['p2pmsgd', 'p2pmsg'],
  },
];

const folder = join(import.meta.dirname, '../docs/man');
mkdirSync(folder, { recursive: true });
for (const page of PAGES) writeFileSync(join(folder, `${page.program.name()}.1`), manPage(page));
