import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFileSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApiAddress } from '../api.ts';
import { call, historyOf } from '../api.ts';
import { EXIT } from '../bad-starts.ts';
import { createProgram, type Program } from '../programs.ts';
import type { Checks, Scenario } from '../scenario.ts';
import { ROOT, type Workspace } from '../workspace.ts';

/** A contact that is never there: what is sent to it stays in the history. */
const ABSENT = '12D3KooWC8LJgcPqu6PZvAq6pAk4KYYCoQxtWjwUJThEhNBMjwyp';
const PASSPHRASE = `passphrase-${randomBytes(9).toString('hex')}`;

/** Nothing that was written or received lies readable in an encrypted home: running, killed, or with its key changed. */
export const atRest: Scenario = {
  what: 'a strings scan of an encrypted home finds nothing, at any moment, and a wrong key is refused',
  tiers: ['ci', 'full'],
  async run({ lab, checks, say }) {
    const home = join(lab.folder, 'alice');
    const passphraseFile = join(lab.folder, 'passphrase-file');
    writeFileSync(passphraseFile, `${PASSPHRASE}\n`, { mode: 0o600 });
    let env: Readonly<Record<string, string>> = {};
    const alice = createProgram(lab, {
      name: 'alice',
      binary: 'p2pmsgd',
      args: () => ['--no-mdns', '--no-upnp', '--dht=off', '--api=127.0.0.1:0', '--listen=none', '--log-level=debug'],
      get env() {
        return env;
      },
    });
    const markers: Marker[] = [];
    const key = (...args: string[]) => keyCommand(home, args);

    say('in the clear');
    await alice.start();
    markers.push(...(await leaveMarkers(alice)));
    const busy = key('set', '--source', 'file');
    checks.that(
      'key set beside a running daemon ends with 69 and names it',
      busy.status === EXIT.unavailable && busy.stderr.includes(String(alice.ready.pid)),
      busy,
    );
    await alice.kill();
    const inClear = found(home, markers).map(text => text.split(':')[0]);
    checks.none(
      'control: each marker is found in a home in the clear',
      markers.filter(({ what }) => !inClear.includes(what)),
    );

    say('encrypted');
    succeed(checks, 'key set', key('set', '--source', 'file'));
    checks.none('nothing is found after key set', found(home, markers));
    await alice.start();
    markers.push(...(await leaveMarkers(alice)));
    checks.none('nothing is found while it runs', found(home, markers));
    checks.none('it holds no deleted file open', deletedFiles(alice.ready.pid));
    await alice.kill();
    checks.none('nothing is found after kill -9', found(home, markers));

    say('rotated');
    const oldKey = readFileSync(join(home, 'home.key'), 'utf8');
    succeed(checks, 'key rotate', key('rotate'));
    checks.none(
      'nothing is found after key rotate',
      found(home, [...markers, { what: 'old key', text: oldKey.trim() }]),
    );
    await wrongKey(checks, lab, home, oldKey);
    await alice.start();
    markers.push(...(await leaveMarkers(alice)));
    await alice.kill();

    say('by passphrase');
    succeed(
      checks,
      'key rotate to a passphrase',
      key('rotate', '--source', 'passphrase', '--new-passphrase-file', passphraseFile),
    );
    await refused(checks, lab, home, { name: 'no passphrase', says: /passphrase is needed/ });
    env = { P2PMSG_PASSPHRASE_FILE: passphraseFile };
    await alice.start();
    const secret = { what: 'passphrase', text: PASSPHRASE };
    checks.none('neither texts nor passphrase are in home, log, arguments or environment', [
      ...found(home, [...markers, secret]),
      ...inProcess(alice.ready.pid, secret),
      ...(alice.stderr().includes(PASSPHRASE) ? ['log'] : []),
    ]);
    const { encryption } = await call<{ encryption: string }>(addressOf(alice), 'GET', '/v1/node');
    const doctor = JSON.stringify(await call(addressOf(alice), 'GET', '/v1/doctor'));
    const told = encryption === 'passphrase' && doctor.includes('encrypted: passphrase');
    checks.that('status and doctor say by which key it is encrypted', told, { encryption, doctor });
    const kept = await historyOf(addressOf(alice), ABSENT);
    const texts = markers.filter(({ what }) => what === 'message').map(({ text }) => text);
    checks.none(
      'every message is still there',
      texts.filter(text => !kept.some(message => message.text.includes(text))),
    );
    await alice.stop();

    say('decrypted');
    succeed(checks, 'key remove', key('remove', '--passphrase-file', passphraseFile));
    await alice.start();
    const after = await historyOf(addressOf(alice), ABSENT);
    checks.that('a decrypted home has the same history', after.length === kept.length, after.length);
    await alice.stop();
    return { markers: markers.length, startMs: alice.times.map(({ wallMs }) => Math.round(wallMs)) };
  },
};

interface Marker {
  readonly what: string;
  readonly text: string;
}

const addressOf = ({ home, ready }: Program): ApiAddress => ({
  url: ready.api ?? '',
  token: readFileSync(join(home, 'admin-token'), 'utf8').trim(),
});

/** One of its own in everything that a person writes. */
async function leaveMarkers(daemon: Program): Promise<Marker[]> {
  const address = addressOf(daemon);
  const left: Marker[] = [];
  const mark = (what: string): string => {
    const text = `M${randomBytes(9).toString('hex')}`;
    left.push({ what, text });
    return text;
  };
  await call(address, 'PATCH', '/v1/node', { name: mark('own name') });
  await call(address, 'POST', '/v1/contacts', { address: ABSENT });
  await call(address, 'PATCH', `/v1/contacts/${ABSENT}`, { name: mark('contact name') });
  for (let n = 0; n < 20; n += 1)
    await call(address, 'POST', `/v1/conversations/${ABSENT}/messages`, { text: `${mark('message')} `.repeat(60) });
  // A search makes its index, which holds the texts too.
  await call(address, 'GET', `/v1/search?q=${left.at(-1)?.text}`);
  await call(address, 'PATCH', `/v1/conversations/${ABSENT}`, { draft: mark('draft') });
  await call(address, 'POST', '/v1/invites', { expiresInSeconds: 3_600, uses: 1, note: mark('invite note') });
  await call(address, 'POST', '/v1/tokens', { name: mark('token name'), scopes: ['messages:read'] });
  await call(address, 'POST', '/v1/conversations/lobby/messages', { text: mark('lobby') });
  return left;
}

/** In any file below the home. */
function found(home: string, markers: readonly Marker[]): string[] {
  return readdirSync(home, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .flatMap(entry => {
      const bytes = readFileSync(join(entry.parentPath, entry.name));
      return markers.filter(({ text }) => bytes.includes(text)).map(({ what }) => `${what}: ${entry.name}`);
    });
}

function inProcess(pid: number, { text }: Marker): string[] {
  return ['cmdline', 'environ'].filter(name => readFileSync(`/proc/${pid}/${name}`).includes(text));
}

/** A temporary file of SQLite is deleted as soon as it is open. */
function deletedFiles(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap(fd => {
    try {
      const path = readlinkSync(join(folder, fd));
      return /^\/(?!memfd:|dev\/|proc\/|anon).* \(deleted\)$/.test(path) ? [path] : [];
    } catch {
      return []; // Closed meanwhile.
    }
  });
}

function keyCommand(home: string, args: readonly string[]) {
  const [status, stdout, stderr] = (({ status: code, stdout: out, stderr: err }) => [code, out, err] as const)(
    spawnSync(join(ROOT, 'bin/p2pmsgd'), ['--home', home, 'key', ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  return { status, stdout, stderr };
}

const succeed = (checks: Checks, name: string, end: ReturnType<typeof keyCommand>): void =>
  checks.that(`${name} succeeds`, end.status === 0, end);

async function wrongKey(checks: Checks, lab: Workspace, home: string, oldKey: string): Promise<void> {
  const [place, aside] = [join(home, 'home.key'), join(lab.folder, 'right.key')];
  copyFileSync(place, aside);
  writeFileSync(place, oldKey);
  await refused(checks, lab, home, { name: 'wrong key', says: /key of the file is another one/ });
  copyFileSync(aside, place);
}

/** One sentence, exit 78, and every file as it was. */
async function refused(
  checks: Checks,
  lab: Workspace,
  home: string,
  { name, says }: { readonly name: string; readonly says: RegExp },
): Promise<void> {
  const files = ['p2pmsg.db', 'identity.key', 'key.json'];
  const read = (): string => files.map(file => readFileSync(join(home, file)).toString('base64')).join();
  const before = read();
  const child = lab.spawn(join(ROOT, 'bin/p2pmsgd'), ['serve', '--home', home, '--api=127.0.0.1:0', '--listen=none'], {
    stderr: `${name}.err`,
  });
  const { code } = await child.exited;
  const said = readFileSync(join(lab.folder, `${name}.err`), 'utf8')
    .trim()
    .split('\n');
  checks.that(`${name}: exit 78`, code === EXIT.config, { code, said });
  checks.that(`${name}: one sentence`, said.length === 1 && says.test(said[0] ?? ''), said);
  checks.that(`${name}: every file is kept`, read() === before);
}
