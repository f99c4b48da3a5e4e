import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { SettingKey } from '../config-sources.ts';
import { loadConfig } from '../config-sources.ts';
import { chooseHome, homePaths, writePrivateFile } from '../home.ts';
import type { HomeKey } from '../keys/unlock.ts';
import { EXIT, startFault } from '../start-fault.ts';
import type { ProgramDeps } from './daemon-contract.ts';
import { addKeyCommands } from './key-program.ts';
import { serviceCommands } from './service-command.ts';

interface Common {
  readonly home?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly passphraseFile?: string;
}

/** Runs one command of `p2pmsgd`; resolves to the exit code and never rejects for an expected failure. */
export async function runProgram(argv: readonly string[], deps: ProgramDeps): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = buildProgram(deps, code => {
    exitCode = code;
  });
  try {
    await program.parseAsync(argv);
    return exitCode;
  } catch (error) {
    // commander has printed its own message; help and --version end that way with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const fault = startFault(error, chooseHome(program.opts<Common>().home, process.env).folder);
    if (!fault) throw error;
    process.stderr.write(`p2pmsgd: ${fault.message}\n`);
    return fault.exitCode;
  }
}

export function buildProgram(deps: ProgramDeps, exitWith: (code: number) => void): Command {
  const program = new Command('p2pmsgd')
    .description('Peer-to-peer messaging daemon: your identity, your messages, your API on localhost.')
    .version(deps.version)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError()
    .option('--home <dir>', 'data folder (default: $P2PMSG_HOME, $STATE_DIRECTORY, else the data folder of the user)')
    .option('--json', 'one JSON object per line')
    .option('--quiet', 'nothing but results and errors')
    .option('--passphrase-file <file>', 'the passphrase of an encrypted home is its first line');

  const common = (): Common => program.opts<Common>();
  const homeOf = (): string => chooseHome(common().home, process.env).folder;
  /** The key of the home; of one in the clear nothing is asked. */
  const keyOf = async (): Promise<HomeKey | null> => {
    const { readHomeKey } = await import('./home-key.ts');
    return readHomeKey(deps, homeOf(), common().passphraseFile);
  };
  /** Results go to stdout; `text` is for people, `value` for --json. */
  const print = (value: object, text: string): void => {
    process.stdout.write(`${common().json ? JSON.stringify(value) : text}\n`);
  };
  const command = (parent: Command, usage: string, description: string, example: string): Command =>
    parent.command(usage).description(description).addHelpText('after', `\nExample:\n  ${example}`);

  command(
    program,
    'serve',
    'run the daemon until a signal ends it',
    'p2pmsgd serve --name Alice --relay /ip4/203.0.113.7/tcp/4001/p2p/12D3KooW…',
  )
    .option('--api <host:port>', 'address of the API, port 0 picks a free one (default 127.0.0.1:7300)')
    .option('--api-tls-cert <file>', 'certificate of the API with its chain, PEM; read again on SIGHUP')
    .option('--api-tls-key <file>', 'its key, PEM, for nobody else to read')
    .option('--api-name <name>', 'how clients reach the API besides its address; repeat for more', collect)
    .option(
      '--api-allow-remote-i-know-the-risk',
      'accept an --api address that other machines reach: whoever has a token can read and send everything',
    )
    .option('--listen <multiaddr|none>', 'replaces the default listen addresses; repeat for more', collect)
    .option('--relay <multiaddr>', 'relay to be reachable through; repeat for more', collect)
    .option('--bootstrap <multiaddr>', 'peer to connect to at the start; repeat for more', collect)
    .option('--no-mdns', 'do not look for peers in the local network')
    .option('--no-upnp', 'do not ask the router for an open port')
    .addOption(
      new Option(
        '--dht <mode>',
        'ask relays and bootstrap nodes where contacts are; server: answer others too',
      ).choices(['off', 'client', 'server']),
    )
    .option('--name <text>', 'the name that others see')
    .addOption(new Option('--log-level <level>').choices(['debug', 'info', 'warn', 'error', 'silent']))
    .action(async (options: ServeFlags) => {
      const { serve } = await import('./serve.ts');
      const { home, json = false, quiet = false, passphraseFile } = common();
      exitWith(await serve(deps, { home, json, quiet, passphraseFile, flags: settingsOf(options) }));
    });

  command(
    program,
    'init',
    'make a data folder with an identity, without starting',
    'p2pmsgd init --name Alice --import identity_alice.bin',
  )
    .option('--name <text>', 'the name that others see')
    .option('--import <file>', "an identity to take over: P2PMsg's identity_*.bin or an exported one")
    .option('--import-config <file>', "P2PMsg's config.json: relay_address, bootstrap_nodes, listen_port")
    .action(async (options: { name?: string; import?: string; importConfig?: string }) => {
      const { initHome } = await import('./init.ts');
      const home = homeOf();
      const { name, import: importIdentity, importConfig } = options;
      const { peerId } = await initHome(home, {
        keyOf,
        ...(name === undefined ? {} : { name }),
        ...(importIdentity === undefined ? {} : { importIdentity }),
        ...(importConfig === undefined ? {} : { importConfig }),
      });
      print({ peerId, home }, peerId);
      if (!common().quiet) process.stderr.write(`The identity is in ${home}. Start it with: p2pmsgd serve\n`);
    });

  const identity = program.command('identity').description('show, export or import who this daemon is');
  command(identity, 'show', 'print the PeerId', 'p2pmsgd identity show').action(async () => {
    const { readPeerId } = await import('./init.ts');
    const peerId = readPeerId(homeOf());
    print({ peerId, file: homePaths(homeOf()).identity }, peerId);
  });
  command(
    identity,
    'export <file>',
    'write the identity, sealed with a passphrase; - is stdout',
    'p2pmsgd identity export alice.json',
  ).action(async (file: string) => {
    const [{ readIdentity }, { sealIdentity }, { readPassphrase }] = await Promise.all([
      import('./init.ts'),
      import('./identity-export.ts'),
      import('./passphrase.ts'),
    ]);
    const own = await readIdentity(homeOf(), keyOf);
    const sealed = sealIdentity(own, await readPassphrase({ isNew: true }));
    if (file === '-') process.stdout.write(sealed);
    else {
      writePrivateFile(file, sealed, { exclusive: true });
      print({ peerId: own.peerId, file }, file);
    }
  });
  command(
    identity,
    'import <file>',
    'take over an identity, into a home that has none',
    'p2pmsgd identity import alice.json',
  ).action(async (file: string) => {
    const { importIdentity } = await import('./init.ts');
    const { peerId } = await importIdentity(homeOf(), file, keyOf);
    print({ peerId, home: homeOf() }, peerId);
  });

  addKeyCommands({ program, deps, command, print, homeOf, common });

  command(program, 'paths', 'print where things are', 'p2pmsgd paths --json').action(() => {
    const { folder, origin } = chooseHome(common().home, process.env);
    const paths = { home: folder, ...homePaths(folder) };
    const lines = Object.entries(paths).map(([key, path]) => `${key.padEnd(11)} ${path}`);
    print({ ...paths, origin }, lines.join('\n'));
  });

  command(program, 'health', 'ask the running daemon whether it is well: exit code 0, 1 or 3', 'p2pmsgd health --ready')
    .option('--ready', 'ask whether it can do its work, not only whether it lives')
    .option('--timeout <seconds>', 'how long to wait for the answer', seconds, 5)
    .action(async (options: { ready?: boolean; timeout: number }) => {
      const { checkHealth } = await import('./health.ts');
      const path = options.ready ? '/readyz' : '/healthz';
      const { exitCode, status, detail } = await checkHealth(homeOf(), { path, timeoutMs: options.timeout * 1000 });
      if (!common().quiet || exitCode !== EXIT.ok)
        print({ status, detail }, exitCode === EXIT.ok ? status : `${status}: ${detail}`);
      exitWith(exitCode);
    });

  const config = program.command('config').description('show or check the configuration');
  command(config, 'show', 'print all settings as they are in force', 'p2pmsgd config show --origin')
    .option('--origin', 'also say where each value comes from')
    .action(async (options: { origin?: boolean }) => {
      const { settingLine, settingViews } = await import('./config-view.ts');
      for (const view of settingViews(loadConfig({ home: homeOf(), env: process.env })))
        print(view, settingLine(view, options.origin === true));
    });
  command(
    config,
    'check',
    'exit 78 and one sentence when the configuration has a fault',
    'p2pmsgd config check',
  ).action(() => {
    loadConfig({ home: homeOf(), env: process.env });
    if (!common().quiet) print({ ok: true }, 'ok');
  });
  serviceCommands(command, program);
  return program;
}

interface ServeFlags {
  readonly api?: string;
  readonly apiTlsCert?: string;
  readonly apiTlsKey?: string;
  readonly apiName?: readonly string[];
  readonly apiAllowRemoteIKnowTheRisk?: boolean;
  readonly listen?: readonly string[];
  readonly relay?: readonly string[];
  readonly bootstrap?: readonly string[];
  /** `true` is commander's default of a --no- option and no choice of the user. */
  readonly mdns: boolean;
  readonly upnp: boolean;
  readonly dht?: string;
  readonly name?: string;
  readonly logLevel?: string;
}

const settingsOf = (flags: ServeFlags): Partial<Record<SettingKey, unknown>> => ({
  'api.listen': flags.api,
  'api.tls.cert': flags.apiTlsCert,
  'api.tls.key': flags.apiTlsKey,
  'api.names': flags.apiName,
  'api.allowRemoteIKnowTheRisk': flags.apiAllowRemoteIKnowTheRisk,
  'net.listen': flags.listen,
  'net.relays': flags.relay,
  'net.bootstrap': flags.bootstrap,
  'net.mdns': flags.mdns ? undefined : false,
  'net.upnp': flags.upnp ? undefined : false,
  'net.dht': flags.dht,
  name: flags.name,
  'log.level': flags.logLevel,
});

const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 3600)) throw new InvalidArgumentError('must be a number of seconds from 0 to 3600.');
  return value;
}
