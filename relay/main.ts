#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import type { ServeFlags } from './program.ts';
import { buildProgram } from './program.ts';

/** A stop that hangs is cut off: whoever sent the signal was promised 5 s. */
const STOP_TIMEOUT_MS = 4_500;
/** Node writes the compile cache at the exit, and a kill would lose it. Late enough not to delay the start. */
const FLUSH_AFTER_MS = 2_000;

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
  await buildProgram({ version: version(), run }).parseAsync();
} catch (error) {
  fail(error);
}
