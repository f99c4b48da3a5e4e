import { Command, Option } from 'commander';
import type { Flags } from './config.ts';

export interface ServeFlags extends Flags {
  readonly home: string;
  readonly json?: boolean;
}

/** The tree of commands; `run` is what `serve` does. */
export function buildProgram({
  version,
  run,
}: {
  version: string;
  run: (flags: ServeFlags) => Promise<void>;
}): Command {
  const program = new Command('p2pmsg-relay')
    .description('Circuit relay, bootstrap node and lobby hub for p2pmsgd and P2PMsg')
    .version(version)
    .showHelpAfterError()
    .exitOverride();

  program
    .command('serve')
    .description('run the relay until a signal comes')
    .addOption(
      new Option('--home <dir>', 'folder for identity and configuration').env('P2PMSG_HOME').makeOptionMandatory(),
    )
    .option('--listen <multiaddr...>', 'where to listen (default: TCP and QUIC on 4001)', collect)
    .option('--announce <multiaddr...>', 'what clients are told instead of the addresses found', collect)
    .option('--metrics <host:port>', 'answer GET /metrics there; a port alone means loopback')
    .option('--log-level <level>', 'debug, info, warn, error or silent')
    .option('--reservations <n>', 'peers with a reservation at a time')
    .option('--per-ip <n>', 'peers with a reservation behind one IP address')
    .option('--circuit-bytes <n>', 'data of one circuit, both directions together')
    .option('--circuit-seconds <n>', 'time of one circuit')
    .option('--json', 'print one JSON object per line')
    .addHelpText('after', '\nExample:\n  p2pmsg-relay serve --home ./relay --announce /dns4/relay.example/tcp/4001')
    .action(run);
  return program;
}

function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}
