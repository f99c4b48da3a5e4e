import { createHash } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { call, historyOf } from '../api.ts';
import { type BadStart, badRelayStarts, badStarts, EXIT, overwrite } from '../bad-starts.ts';
import { type Daemon, readyOf, startDaemon, startProgram } from '../programs.ts';
import type { Checks, Scenario } from '../scenario.ts';
import { eventually } from '../scenario.ts';
import type { Exit, Workspace } from '../workspace.ts';

/** A contact that is never there: what is sent to it stays in the history. */
const ABSENT = '12D3KooWC8LJgcPqu6PZvAq6pAk4KYYCoQxtWjwUJThEhNBMjwyp';
const NOTES = `/v1/conversations/${ABSENT}/messages`;
/** How long a program may take to find out that it cannot start. */
const REFUSED_MAX_MS = 120_000;

export const badStart: Scenario = {
  what: 'what cannot start says why in one sentence, ends with its code and keeps every file',
  tiers: ['ci', 'full'],
  async run({ lab, checks, say }) {
    const good = await startDaemon(lab, { name: 'good', listens: false });
    await call(good.address, 'POST', '/v1/contacts', { address: ABSENT });
    await call(good.address, 'POST', NOTES, { text: 'still here' });
    await secondStart(checks, lab, good);
    await good.stop();
    const relayHome = join(lab.folder, 'home-relay');
    mkdirSync(relayHome);
    await using taken = await takePort();
    for (const bad of [...badStarts(taken.port), ...badRelayStarts(taken.port)]) {
      say(bad.name);
      await tryBad(checks, lab, { bad, from: bad.binary === 'p2pmsg-relay' ? relayHome : good.home });
    }
    await damaged(checks, lab, good.home);
    await restarts(checks, good);
    return { cases: checks.all.length };
  },
};

let cases = 0;

async function tryBad(checks: Checks, lab: Workspace, { bad, from }: { bad: BadStart; from: string }): Promise<void> {
  cases += 1;
  const home = join(lab.folder, `case-${cases}`);
  cpSync(from, home, { recursive: true });
  chmodSync(home, 0o700);
  bad.spoil?.(home);
  const before = hashes(home);
  const isRelay = bad.binary === 'p2pmsg-relay';
  const usual = isRelay ? ['--listen', '/ip4/127.0.0.1/tcp/0'] : ['--api', '127.0.0.1:0', '--listen', 'none'];
  const end = await startAndWait(lab, bad.binary ?? 'p2pmsgd', [
    '--home',
    home,
    ...(isRelay ? [] : ['--no-mdns']),
    ...(bad.args ?? usual),
  ]);
  checks.that(`${bad.name}: exit ${bad.exit.join(' or ')}`, bad.exit.includes(end.exit?.code ?? -1), end);
  checkSentence(checks, bad.name, end.stderr, bad.says);
  const after = hashes(home);
  checks.none(
    `${bad.name}: every file is kept`,
    Object.keys(before).filter(
      file => !(file in after) || (before[file] !== after[file] && !(bad.late && file === 'p2pmsg.db')),
    ),
  );
}

/** One line for people. The log, in JSON, may say more. */
function checkSentence(checks: Checks, name: string, stderr: string, says: RegExp): void {
  const lines = stderr.split('\n').filter(line => line !== '' && !line.startsWith('{'));
  checks.that(`${name}: one sentence that names it`, lines.length === 1 && says.test(lines[0] ?? ''), stderr);
}

interface Ended {
  /** Null: it was still running at the end of the wait, and was killed. */
  readonly exit: Exit | null;
  readonly ready: boolean;
  readonly stderr: string;
}

async function startAndWait(lab: Workspace, binary: string, args: readonly string[]): Promise<Ended> {
  cases += 1;
  const file = `start-${cases}.err`;
  const child = startProgram(lab, binary, args, { stderr: file });
  let ready = false;
  const isReady = readyOf(child, file).then(
    () => {
      ready = true;
    },
    () => undefined, // It ended, as it should.
  );
  let exit: Exit | null = null;
  await Promise.race([
    child.exited.then(end => {
      exit = end;
    }),
    isReady,
    new Promise(resolve => setTimeout(resolve, REFUSED_MAX_MS).unref()),
  ]);
  if (exit === null) {
    process.kill(child.pid, 'SIGKILL');
    await child.exited;
  }
  return { exit, ready, stderr: readFileSync(join(lab.folder, file), 'utf8') };
}

/** The holder is named, and does not notice. */
async function secondStart(checks: Checks, lab: Workspace, first: Daemon): Promise<void> {
  const end = await startAndWait(lab, 'p2pmsgd', ['--home', first.home, '--api', '127.0.0.1:0', '--listen', 'none']);
  checks.that(`second start: exit ${EXIT.unavailable}`, end.exit?.code === EXIT.unavailable, end);
  checkSentence(checks, 'second start', end.stderr, new RegExp(`\\b${first.ready.pid}\\b`));
  const messages = await historyOf(first.address, ABSENT);
  checks.that('second start: the first goes on', messages.length === 1, messages);
}

/**
 * A page in the middle is destroyed: the daemon may find it at the start and refuse, or while it runs and refuse
 * writes. It must not end by itself later, not write, and not throw the file away.
 */
async function damaged(checks: Checks, lab: Workspace, from: string): Promise<void> {
  const name = 'database with a damaged page of messages';
  const home = join(lab.folder, 'case-damaged');
  cpSync(from, home, { recursive: true });
  const file = join(home, 'p2pmsg.db');
  const page = rootPage(file, 'messages');
  overwrite(file, (page.number - 1) * page.size, page.size);
  markUnclean(file);
  const before = statSync(file).size;
  const child = startProgram(
    lab,
    'p2pmsgd',
    ['--home', home, '--api', '127.0.0.1:0', '--listen', 'none', '--no-mdns'],
    { stderr: 'damaged.err' },
  );
  let exit: Exit | null = null;
  void child.exited.then(end => {
    exit = end;
  });
  const ready = await readyOf(child, name).catch(() => null);
  if (ready?.api !== undefined) {
    const token = readFileSync(join(home, 'admin-token'), 'utf8').trim();
    const address = { url: ready.api, token };
    let seen: unknown = null;
    const refused = await eventually(60_000, 250, async () => {
      seen = await call(address, 'POST', NOTES, { text: 'more' }).catch((fault: unknown) => fault);
      return /STORE_READ_ONLY/.test(String(seen));
    });
    checks.that(`${name}: writes are refused with STORE_READ_ONLY`, refused && exit === null, String(seen));
    const readiness = await fetch(`${ready.api}/readyz`).then(answer => answer.status);
    checks.that(`${name}: /readyz says so`, readiness === 503, readiness);
    process.kill(ready.pid, 'SIGTERM');
    await child.exited;
  } else {
    await child.exited;
    const { code } = (exit as Exit | null) ?? { code: null };
    const stderr = readFileSync(join(lab.folder, 'damaged.err'), 'utf8');
    checks.that(`${name}: exit ${EXIT.failed}`, code === EXIT.failed, { code, stderr });
    checkSentence(checks, name, stderr, /p2pmsg\.db|database/);
  }
  checks.that(`${name}: the file is kept`, statSync(file).size >= before);
}

/** None of the copies took anything from the original. */
async function restarts(checks: Checks, good: Daemon): Promise<void> {
  await good.start();
  const messages = await historyOf(good.address, ABSENT);
  checks.that('the home that was copied still starts with its history', messages.length === 1, messages);
}

function hashes(home: string): Record<string, string> {
  const kept = ['identity.key', 'p2pmsg.db', 'p2pmsg.db-wal', 'config.toml', 'admin-token'];
  return Object.fromEntries(
    kept.flatMap(file => {
      try {
        return [
          [
            file,
            createHash('sha256')
              .update(readFileSync(join(home, file)))
              .digest('hex'),
          ],
        ];
      } catch {
        return []; // Not a file of this case.
      }
    }),
  );
}

/** The daemon checks the whole file after a stop that was not clean. */
function markUnclean(file: string): void {
  const database = new DatabaseSync(file);
  database.exec("UPDATE meta SET value = '0' WHERE key = 'clean'");
  database.close();
}

function rootPage(file: string, table: string): { readonly number: number; readonly size: number } {
  const database = new DatabaseSync(file, { readOnly: true });
  const number = Number(database.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').get(table)?.['rootpage']);
  const size = Number(database.prepare('PRAGMA page_size').get()?.['page_size']);
  database.close();
  return { number, size };
}

async function takePort(): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    [Symbol.asyncDispose]: () => new Promise<void>(resolve => server.close(() => resolve())),
  };
}
