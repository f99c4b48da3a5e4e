#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { Command, Option } from 'commander';
import type { Flags } from './config.ts';

/** A stop that hangs is cut off: whoever sent the signal was promised 5 s. */
const STOP_TIMEOUT_MS = 4_500;
/** Node writes the compile cache at the exit, and a kill would lose it. Late enough not to delay the start. */
const FLUSH_AFTER_MS = 2_000;

const program = new Command('p2pmsg-relay')
  .description('Circuit relay, bootstrap node and lobby hub for p2pmsgd and P2PMsg')
  .version(version())
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

interface ServeFlags extends Flags {
  readonly home: string;
  readonly json?: boolean;
}

async function run(flags: ServeFlags): Promise<void> {
  // A reader that goes away does not end the relay.
  process.stdout.on('error', () => undefined);
  const { openHome } = await import('./home.ts');
  const home = openHome(flags.home);
  // Loaded only with the lock in hand: a second start is refused at once.
  const { serve } = await import('./serve.ts');
  const relay = await serve({ home, flags, version: version(), env: process.env });
  const { peerId, addresses } = relay;
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping) process.exit(signal === 'SIGINT' ? 130 : 143);
    stopping = true;
    setTimeout(() => process.exit(1), STOP_TIMEOUT_MS).unref();
    relay.stop().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  process.on('SIGHUP', () => relay.reload());
  // Last: whoever reads it may send a signal at once.
  process.stdout.write(
    flags.json
      ? `${JSON.stringify({ event: 'ready', peerId, addresses, pid: process.pid })}\n`
      : `ready peer=${peerId} ${addresses.map(address => `addr=${address}`).join(' ')} pid=${process.pid}\n`,
  );
  setTimeout(flushCompileCache, FLUSH_AFTER_MS).unref();
}

function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

function version(): string {
  const file = new URL('../package.json', import.meta.url);
  const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
  return parsed instanceof Object && 'version' in parsed ? String(parsed.version) : '0';
}

function fail(error: unknown): never {
  const code = error instanceof Error && 'exitCode' in error ? Number(error.exitCode) : 1;
  // Commander has said what was wrong already; its own exit codes mean usage.
  if (error instanceof Error && 'code' in error && String(error.code).startsWith('commander.'))
    process.exit(code === 0 ? 0 : 2);
  process.stderr.write(`p2pmsg-relay: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(code);
}

try {
  await program.parseAsync();
} catch (error) {
  fail(error);
}
