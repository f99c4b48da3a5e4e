import { readFileSync } from 'node:fs';
import { runCli } from './program.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

// `p2pmsg tail | head` is no failure: the reader has what it wanted.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const { env, stdin, stdout, stderr } = process;
process.exitCode = await runCli(process.argv, { version, env, stdin, stdout, stderr });
// A connection that the daemon leaves open must not hold the exit up; what is still to be printed may.
await Promise.all([stdout, stderr].map(stream => new Promise(resolve => stream.write('', resolve))));
process.exit();
