import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readApiTls } from './api-tls.ts';
import { makeCertificate, type TestCertificate } from './certificate-fixture.ts';
import { StartFault } from './start-fault.ts';

const DAY_MS = 86_400_000;
let folder: string;
let ours: TestCertificate;
let other: TestCertificate;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'p2pmsg-tls-'));
  ours = makeCertificate(folder, 'ours', ['DNS:nas.test', 'IP:192.0.2.7']);
  other = makeCertificate(folder, 'other', ['DNS:other.test']);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const read = (files: { cert?: string; key?: string }, at: { names?: string[]; inDays?: number } = {}) =>
  readApiTls(
    { cert: files.cert ?? ours.cert, key: files.key ?? ours.key },
    { names: at.names ?? [], nowUnixMs: Date.now() + (at.inDays ?? 0) * DAY_MS },
  );
function faultOf(run: () => unknown): StartFault {
  try {
    run();
  } catch (error) {
    if (error instanceof StartFault) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
const written = (name: string, text: string, mode = 0o600): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
};

it('takes a pair that fits, for the names of the certificate', () => {
  expect(read({}, { names: ['nas.test', '192.0.2.7'] })).toEqual(ours.pem);
});

it('lets the group read the key, and root own it', () => {
  expect(read({ key: written('group', ours.pem.key, 0o640) }).key).toBe(ours.pem.key);
});

const cases: [string, () => unknown, number, RegExp][] = [
  ['a file that is not there', () => read({ cert: '/nowhere/x.crt' }), 78, /^there is no file \/nowhere\/x\.crt$/],
  ['a folder', () => read({ cert: folder }), 78, /is not a file/],
  ['a huge file', () => read({ cert: written('huge', 'x'.repeat(300_000)) }), 78, /too large/],
  ['no certificate', () => read({ cert: written('junk', 'junk') }), 78, /holds no PEM certificate/],
  ['no key', () => read({ key: written('nokey', 'junk') }), 78, /holds no PEM key/],
  ['the key of another', () => read({ key: other.key }), 78, /is not the key of the certificate/],
  ['a certificate that has expired', () => read({}, { inDays: 31 }), 78, /has expired, on \d{4}-\d\d-\d\d$/],
  ['a certificate of the future', () => read({}, { inDays: -1 }), 78, /is not valid before/],
  ['a name that it is not for', () => read({}, { names: ['evil.test'] }), 78, /is not for evil\.test/],
  ['an address that it is not for', () => read({}, { names: ['192.0.2.8'] }), 78, /is not for 192\.0\.2\.8/],
  ['a key that others read', () => read({ key: written('open', ours.pem.key, 0o644) }), 77, /others can use the key/],
  ['a key that the group writes', () => read({ key: written('w', ours.pem.key, 0o660) }), 77, /others can use the key/],
];
it.each(cases)('refuses %s in one sentence', (_title, run, exitCode, sentence) => {
  const fault = faultOf(run);
  expect([fault.exitCode, fault.message]).toEqual([exitCode, expect.stringMatching(sentence)]);
  expect(fault.message).not.toContain('\n');
  expect(fault.message).not.toContain('PRIVATE KEY');
});

it.skipIf(process.geteuid?.() !== 0)('refuses a key of another user (needs root)', () => {
  const key = written('foreign', ours.pem.key);
  chownSync(key, 12_345, 12_345);
  const fault = faultOf(() => read({ key }));
  expect([fault.exitCode, fault.message]).toEqual([77, expect.stringMatching(/belongs to another user/)]);
});
