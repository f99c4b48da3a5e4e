import { readFileSync } from 'node:fs';
import { runProgram } from './programs/program.ts';

// Nothing heavy is imported here: `serve` takes the lock of the home before libp2p and libsignal are loaded, and
// the other commands never load them.
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const exitCode = await runProgram(process.argv, {
  version,
  takeLock: async home => (await import('./store/lock.ts')).takeLock(home),
  createDaemon: async options => (await import('./daemon.ts')).createDaemon(options),
});
// Everything is stored and closed by now; a socket or timer that some library left open must not hold the exit up.
process.exit(exitCode);
