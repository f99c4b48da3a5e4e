import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ServiceChoice, ServiceHost } from './service.ts';
import { installService, uninstallService } from './service.ts';
import { unitOf } from './service-unit.ts';

const REPO = join(import.meta.dirname, '../..');
/** systemd's own reader of units must give back exactly these. */
const HARD_PATHS = ['plain', 'two words', '100%h', '$HOME', 'semi;colon', 'a & <b>', 'grüße 漢字'];
/** And these it does not take at all. */
const IMPOSSIBLE_PATHS = ['a"b', "it's", 'back\\slash', 'two\nlines'];

let folder: string;
let said: string;
let ran: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'p2pmsg-service-'));
  said = '';
  ran = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function installationAt(name: string): string {
  const root = join(folder, name);
  mkdirSync(join(root, 'bin'), { recursive: true });
  cpSync(join(REPO, 'deploy'), join(root, 'deploy'), { recursive: true });
  for (const program of ['p2pmsgd', 'p2pmsg-relay']) {
    writeFileSync(join(root, 'bin', program), '#!/bin/sh\n');
    chmodSync(join(root, 'bin', program), 0o755);
  }
  return root;
}

function hostWith(more: Partial<ServiceHost> = {}): ServiceHost {
  mkdirSync(join(folder, 'system/run/systemd/system'), { recursive: true });
  return {
    platform: 'linux',
    uid: 1000,
    env: {},
    userHome: join(folder, 'user'),
    systemRoot: join(folder, 'system'),
    root: more.root ?? installationAt('program'),
    node: '/usr/bin/node',
    run(command) {
      ran.push(command.join(' '));
      return 0;
    },
    say(line) {
      said += `${line}\n`;
    },
    ...more,
  };
}
const choice = (more: Partial<ServiceChoice> = {}): ServiceChoice => ({
  program: 'p2pmsgd',
  system: false,
  dryRun: false,
  home: undefined,
  ...more,
});
const userUnit = (): string => join(folder, 'user/.config/systemd/user/p2pmsgd.service');

it('installs a user service, says what it wrote and ran, and takes it away again but not the data', () => {
  const host = hostWith();
  installService(choice(), host);
  expect(said).toContain(`wrote ${userUnit()}`);
  const unit = readFileSync(userUnit(), 'utf8');
  expect(unit).toContain(`ExecStart=${join(host.root, 'bin/p2pmsgd')} serve\n`);
  expect(unit).not.toContain('/usr/bin/p2pmsgd');
  expect(statSync(userUnit()).mode & 0o777).toBe(0o644);
  expect(ran).toEqual([
    'systemctl --user daemon-reload',
    'systemctl --user enable p2pmsgd.service',
    'systemctl --user restart p2pmsgd.service',
  ]);
  installService(choice(), host); // An upgrade installs again.
  ran = [];
  uninstallService(choice(), host);
  expect(existsSync(userUnit())).toBe(false);
  expect(ran).toEqual(['systemctl --user disable --now p2pmsgd.service', 'systemctl --user daemon-reload']);
  expect(said).toContain('Your data stays');
  expect(() => uninstallService(choice(), host)).toThrow(/no service is installed/);
});

it('only says what it would do with --dry-run, systemd or not', () => {
  const host = hostWith({ systemRoot: join(folder, 'no-systemd') });
  installService(choice({ dryRun: true }), host);
  expect(said).toContain(`would write ${userUnit()}`);
  expect(said).toContain('[Service]');
  expect(said).toContain('would run: systemctl --user daemon-reload');
  expect([existsSync(userUnit()), ran.length]).toEqual([false, 0]);
  expect(() => installService(choice(), host)).toThrow(/systemd does not run on this machine/);
  expect(existsSync(userUnit())).toBe(false);
});

it('never replaces or removes a unit that somebody else wrote', () => {
  const host = hostWith();
  mkdirSync(join(folder, 'user/.config/systemd/user'), { recursive: true });
  writeFileSync(userUnit(), '[Service]\nExecStart=/mine\n');
  expect(() => installService(choice(), host)).toThrow(/was not written by this command/);
  expect(() => uninstallService(choice(), host)).toThrow(/was not written by this command/);
  expect(readFileSync(userUnit(), 'utf8')).toContain('/mine');
});

it('refuses a place that the system service cannot see or read, and a user without the right to', () => {
  const system = choice({ system: true });
  const fault = (host: ServiceHost): unknown => {
    try {
      installService(system, host);
      return null;
    } catch (error) {
      return error;
    }
  };
  expect(fault(hostWith({ uid: 0 }))).toMatchObject({
    exitCode: 78,
    message: expect.stringMatching(/lies under \/tmp, .*move it to \/opt, or install with --user/),
  });
  expect(ran).toEqual([]);
});

it.runIf(process.getuid?.() === 0)('installs a system service from a folder that others can read, as root only', () => {
  const root = mkdtempSync('/opt/p2pmsg-service-');
  try {
    cpSync(installationAt('x'), root, { recursive: true });
    const system = choice({ system: true });
    chmodSync(root, 0o700);
    expect(() => installService(system, hostWith({ root, uid: 0 }))).toThrow(
      `${root} is not readable by other users, and the system service runs as one: chmod o+rX ${root}`,
    );
    chmodSync(root, 0o755);
    expect(() => installService(system, hostWith({ root }))).toThrow(/needs root/);
    expect(() => installService({ ...system, home: '/srv/x' }, hostWith({ root, uid: 0 }))).toThrow(/--home/);
    for (const program of ['p2pmsgd', 'p2pmsg-relay'] as const) {
      installService({ ...system, program }, hostWith({ root, uid: 0 }));
      const unit = readFileSync(join(folder, `system/etc/systemd/system/${program}.service`), 'utf8');
      expect(unit).toContain(`ExecStart=${root}/bin/${program} serve\n`);
      expect(unit).toContain('DynamicUser=yes');
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

it.each(IMPOSSIBLE_PATHS)('refuses the path %j, which no unit can name, with a sentence', name => {
  expect(() => installService(choice(), hostWith({ root: installationAt(name) }))).toThrow(/no unit can name: move it/);
});

it('names a Node that lies in no usual place, because services have a short PATH', () => {
  installService(choice({ home: '/srv/my data' }), hostWith({ node: '/opt/node 24/bin/node' }));
  const unit = readFileSync(userUnit(), 'utf8');
  expect(unit).toContain('Environment="PATH=/opt/node 24/bin:/usr/local/bin:/usr/bin:/bin"\n');
  expect(unit).toContain('Environment="P2PMSG_HOME=/srv/my data"\n');
});

it('says what failed when systemd refuses, and keeps the file', () => {
  const host = hostWith({ run: command => (command.includes('restart') ? 1 : 0) });
  expect(() => installService(choice(), host)).toThrow(/restart p2pmsgd.service failed; .* stays: Logs: journalctl/);
  expect(existsSync(userUnit())).toBe(true);
});

it.skipIf(spawnSync('systemd-analyze', ['--version']).error)('writes any path so that systemd reads it back', () => {
  for (const name of HARD_PATHS) {
    const root = installationAt(name);
    const launcher = join(root, 'bin/p2pmsgd');
    const template = readFileSync(join(REPO, 'deploy/systemd/user/p2pmsgd.service'), 'utf8');
    const unit = join(folder, 'check.service');
    const env = { ...process.env, SYSTEMD_LOG_LEVEL: 'warning', XDG_RUNTIME_DIR: folder };
    const verify = (path: string) => {
      writeFileSync(unit, unitOf(template, { launcher: path, args: ['serve'], env: { P2PMSG_HOME: root } }));
      return spawnSync('systemd-analyze', ['verify', '--user', '--man=no', unit], { encoding: 'utf8', env });
    };
    const { status, stderr } = verify(launcher);
    expect([name, status, stderr.split('\n').filter(line => line.includes('check.service'))]).toEqual([name, 0, []]);
    // The check is one: a program that is not there is found.
    expect(verify(`${launcher}-gone`).stderr, name).toMatch(/not executable|No such file/);
  }
});

const hasPython = spawnSync('python3', ['--version']).status === 0;
if (!hasPython) console.warn('the launchd agent is not read back: there is no python3 on this machine');
it.skipIf(!hasPython)('writes a launchd agent that any plist reader reads back', () => {
  const root = installationAt('a & b <c>');
  const host = hostWith({ platform: 'darwin', uid: 501, root, node: '/opt/homebrew/bin/node' });
  installService(choice({ home: '/Users/a&b/home' }), host);
  const path = join(folder, 'user/Library/LaunchAgents/p2pmsg.p2pmsgd.plist');
  const script = 'import json,plistlib,sys; print(json.dumps(plistlib.load(open(sys.argv[1],"rb"))))';
  const { stdout, stderr } = spawnSync('python3', ['-c', script, path], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toMatchObject({
    Label: 'p2pmsg.p2pmsgd',
    ProgramArguments: [join(root, 'bin/p2pmsgd'), 'serve'],
    EnvironmentVariables: {
      PATH: '/opt/homebrew/bin:/usr/local/bin:/usr/bin:/bin',
      P2PMSG_HOME: '/Users/a&b/home',
    },
    RunAtLoad: true,
    KeepAlive: { SuccessfulExit: false },
    Umask: 0o077,
  });
  expect(ran).toEqual([`launchctl bootstrap gui/501 ${path}`]);
  expect(() => installService(choice({ system: true }), host)).toThrow(/--user/);
  uninstallService(choice(), host);
  expect([existsSync(path), ran.at(-1)]).toEqual([false, 'launchctl bootout gui/501/p2pmsg.p2pmsgd']);
});
