import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeCertificate, type TestCertificate } from '../certificate-fixture.ts';

/** The real programs: `p2pmsgd` on all addresses with TLS, `p2pmsg` as somebody elsewhere. */
const root = join(import.meta.dirname, '../..');
const TOKEN = 'a-token-of-the-environment';
let folder: string;
let ours: TestCertificate;
let daemon: ChildProcess | null = null;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'p2pmsg-serve-tls-'));
  ours = makeCertificate(folder, 'ours', ['DNS:nas.test', 'IP:127.0.0.1']);
});
afterEach(async () => {
  const running = daemon;
  daemon = null;
  if (running?.exitCode === null) {
    const gone = new Promise(resolve => running.once('exit', resolve));
    running.kill('SIGKILL');
    await gone;
  }
  rmSync(folder, { recursive: true, force: true });
});

interface Running {
  readonly port: number;
  readonly api: string;
  readonly said: (text: RegExp) => Promise<void>;
}

async function serve(flags: readonly string[]): Promise<Running> {
  const args = ['serve', '--home', join(folder, 'home'), '--listen', 'none', '--no-mdns', '--json', '--quiet'];
  const child = spawn(join(root, 'bin/p2pmsgd'), [...args, ...flags], { env: { ...process.env, P2PMSG_TOKEN: TOKEN } });
  daemon = child;
  let [out, errors] = ['', ''];
  const heard = (): void => {
    for (const look of looks) look();
  };
  const looks = new Set<() => void>();
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
    heard();
  });
  child.stdout?.on('data', (chunk: Buffer) => {
    out += chunk.toString();
    heard();
  });
  const when = (check: () => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!check()) return;
        looks.delete(look);
        resolve();
      };
      looks.add(look);
      child.once('exit', code => reject(new Error(`p2pmsgd ended with ${code}: ${errors}`)));
      look();
    });
  await when(() => out.includes('\n'));
  const { api } = JSON.parse(out.slice(0, out.indexOf('\n'))) as { api: string };
  return { api, port: Number(new URL(api).port), said: text => when(() => text.test(errors)) };
}

async function run(program: string, args: readonly string[], env: Record<string, string> = {}) {
  try {
    const { stdout } = await promisify(execFile)(join(root, 'bin', program), args, {
      env: { PATH: process.env['PATH'] ?? '', ...env },
    });
    return { code: 0, text: stdout };
  } catch (error) {
    const { code, stderr } = error as { code: number; stderr: string };
    return { code, text: stderr };
  }
}

const tlsFlags = (): string[] => ['--api-tls-cert', ours.cert, '--api-tls-key', ours.key];
const REMOTE = ['--api', '0.0.0.0:0', '--api-name', 'nas.test', '--api-allow-remote-i-know-the-risk'];

it('a command elsewhere works over TLS with the certificate and a token, and only so', async () => {
  const { port, api } = await serve([...REMOTE, ...tlsFlags()]);
  expect(api).toBe(`https://nas.test:${port}`);
  const url = `https://127.0.0.1:${port}`;
  const withToken = { P2PMSG_TOKEN: TOKEN, P2PMSG_HOME: join(folder, 'elsewhere') };
  const status = await run('p2pmsg', ['--api', url, '--ca', ours.cert, '--json', 'status'], withToken);
  expect([status.code, status.text]).toEqual([0, expect.stringContaining('12D3KooW')]);
  const byVariable = await run('p2pmsg', ['--api', url, 'status'], { ...withToken, P2PMSG_CA: ours.cert });
  expect(byVariable.code).toBe(0);

  const untrusted = await run('p2pmsg', ['--api', url, 'status'], withToken);
  expect([untrusted.code, untrusted.text]).toEqual([3, expect.stringContaining('self-signed')]);
  const noToken = await run('p2pmsg', ['--api', url, '--ca', ours.cert, 'status'], { P2PMSG_HOME: folder });
  expect([noToken.code, noToken.text]).toEqual([4, expect.stringContaining('P2PMSG_TOKEN')]);
  const wrong = await run('p2pmsg', ['--api', url, '--ca', ours.cert, 'status'], { ...withToken, P2PMSG_TOKEN: 'x' });
  expect(wrong.code).toBe(4);
  const plain = await run('p2pmsg', ['--api', `http://192.0.2.7:${port}`, 'status'], withToken);
  expect([plain.code, plain.text]).toEqual([2, expect.stringContaining('use https://')]);

  // Here the socket of the home is enough.
  const home = join(folder, 'home');
  expect((await run('p2pmsg', ['--home', home, '--json', 'status'])).code).toBe(0);
  expect((await run('p2pmsgd', ['--home', home, 'health'])).code).toBe(0);
});

it('a hangup reads the certificate again, and keeps the old one when the new one is no good', async () => {
  const { port, said } = await serve(['--api', '127.0.0.1:0', '--log-level', 'info', ...tlsFlags()]);
  const shown = async (): Promise<string> => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  };
  const before = await shown();
  const next = makeCertificate(folder, 'next', ['IP:127.0.0.1']);
  copyFileSync(next.cert, ours.cert);
  daemon?.kill('SIGHUP');
  await said(/stays as it was: .*is not the key of the certificate/);
  expect(await shown()).toBe(before);
  copyFileSync(next.key, ours.key);
  daemon?.kill('SIGHUP');
  await said(/configuration read again/);
  expect(await shown()).not.toBe(before);
});

it('a fault of the pair ends the start with one sentence before anything is opened', async () => {
  const home = join(folder, 'home');
  const start = (cert: string) =>
    run('p2pmsgd', ['serve', '--home', home, ...REMOTE, '--api-tls-cert', cert, '--api-tls-key', ours.key]);
  const missing = await start(join(folder, 'no.crt'));
  expect([missing.code, missing.text]).toEqual([78, expect.stringMatching(/^p2pmsgd: there is no file .*no\.crt\n$/)]);
  writeFileSync(ours.key, ours.pem.key, { mode: 0o600 });
  const other = makeCertificate(folder, 'other', ['DNS:nas.test']);
  const mismatched = await start(other.cert);
  expect([mismatched.code, mismatched.text]).toEqual([78, expect.stringMatching(/^p2pmsgd: .*is not the key.*\n$/)]);
});
