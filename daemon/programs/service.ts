import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EXIT, StartFault } from '../start-fault.ts';
import { checkPlace } from './service-place.ts';
import { launchAgentOf, type ServiceProgram, unitOf, WRITTEN_BY_US } from './service-unit.ts';

export const SERVICE_PROGRAMS = ['p2pmsgd', 'p2pmsg-relay'] as const;
export type ServiceProgramName = (typeof SERVICE_PROGRAMS)[number];

/** The machine, as far as services go; tests put a temporary one in its place. */
export interface ServiceHost {
  readonly platform: NodeJS.Platform;
  readonly uid: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Home folder of the user. */
  readonly userHome: string;
  /** In front of /etc; empty outside of tests. */
  readonly systemRoot: string;
  /** The installation: the folder that has `bin/`. */
  readonly root: string;
  /** The Node that runs now. */
  readonly node: string;
  /** Runs a command whose output goes to stderr; its exit code, or null when there is no such program. */
  run(command: readonly string[]): number | null;
  say(line: string): void;
}

export interface ServiceChoice {
  readonly program: ServiceProgramName;
  readonly system: boolean;
  readonly dryRun: boolean;
  /** Only with a service of the user: that of the system has its own folder. */
  readonly home: string | undefined;
}

interface Plan {
  readonly path: string;
  readonly text: string;
  readonly isOurs: (existing: string) => boolean;
  readonly start: readonly (readonly string[])[];
  readonly stop: readonly (readonly string[])[];
  readonly after: readonly (readonly string[])[];
  readonly hints: readonly string[];
  readonly data: string;
}

/**
 * Writes the unit (or launchd agent) and starts it; says all that it writes and runs. With `dryRun` it only says it.
 * @throws StartFault 77 without the right to, 78 where the service could not run, 1 when the service manager refuses
 */
export function installService(choice: ServiceChoice, host: ServiceHost): void {
  const root = realpathSync(host.root);
  checkPlace(root, choice.program, { system: choice.system });
  const plan = planOf(choice, host, root);
  if (existsSync(plan.path) && !plan.isOurs(readFileSync(plan.path, 'utf8')))
    throw new StartFault(EXIT.failed, `${plan.path} is there and was not written by this command: move it away first`);
  if (choice.dryRun) {
    host.say(`would write ${plan.path}:\n`);
    host.say(plan.text);
    for (const command of plan.start) host.say(`would run: ${shown(command)}`);
    return;
  }
  checkManager(choice, host);
  mkdirSync(dirname(plan.path), { recursive: true });
  writeFileSync(plan.path, plan.text, { mode: 0o644 });
  host.say(`wrote ${plan.path}`);
  for (const command of plan.start) {
    host.say(`running: ${shown(command)}`);
    if (host.run(command) !== 0)
      throw new StartFault(EXIT.failed, `${shown(command)} failed; ${plan.path} stays: ${plan.hints[0] ?? ''}`);
  }
  for (const hint of plan.hints) host.say(hint);
}

/** Stops the service and removes what `installService` wrote. The data folder stays. */
export function uninstallService(choice: ServiceChoice, host: ServiceHost): void {
  const plan = planOf(choice, host, realpathSync(host.root));
  const text = existsSync(plan.path) ? readFileSync(plan.path, 'utf8') : null;
  if (text === null) throw new StartFault(EXIT.failed, `no service is installed: ${plan.path} is not there`);
  if (!plan.isOurs(text))
    throw new StartFault(EXIT.failed, `${plan.path} was not written by this command: remove it yourself`);
  if (choice.dryRun) {
    for (const command of plan.stop) host.say(`would run: ${shown(command)}`);
    host.say(`would remove ${plan.path}`);
    for (const command of plan.after) host.say(`would run: ${shown(command)}`);
    return;
  }
  checkManager(choice, host);
  for (const command of plan.stop) {
    host.say(`running: ${shown(command)}`);
    // Already stopped is fine: what counts is that the file goes.
    host.run(command);
  }
  rmSync(plan.path);
  host.say(`removed ${plan.path}`);
  for (const command of plan.after) host.run(command);
  host.say(`Your data stays in ${plan.data}; remove that folder to forget the identity and all messages.`);
}

function planOf(choice: ServiceChoice, host: ServiceHost, root: string): Plan {
  const launcher = join(root, 'bin', choice.program);
  const path = nodeFolder(root, host.node);
  if (choice.system && choice.home !== undefined)
    throw new StartFault(EXIT.usage, 'the system service keeps its data in /var/lib: --home is for --user');
  const program: ServiceProgram = {
    launcher,
    args: ['serve'],
    env: {
      ...(path === null ? {} : { PATH: `${path}:/usr/local/bin:/usr/bin:/bin` }),
      ...(choice.home === undefined ? {} : { P2PMSG_HOME: choice.home }),
    },
  };
  if (host.platform === 'darwin') return launchdPlan(choice, host, program);
  if (host.platform === 'linux') return systemdPlan(choice, host, root, program);
  throw new StartFault(EXIT.config, `there are services for systemd and launchd only, not for ${host.platform}`);
}

function systemdPlan(
  { program: name, system, home }: ServiceChoice,
  host: ServiceHost,
  root: string,
  program: ServiceProgram,
): Plan {
  if (!system && name !== 'p2pmsgd')
    throw new StartFault(EXIT.usage, `${name} is a service of the system: install it with --system`);
  const unit = `${name}.service`;
  const template = readFileSync(join(root, 'deploy/systemd', system ? '' : 'user', unit), 'utf8');
  const folder = system
    ? join(host.systemRoot, '/etc/systemd/system')
    : join(host.env['XDG_CONFIG_HOME'] || join(host.userHome, '.config'), 'systemd/user');
  const systemctl = (...words: string[]): string[] => ['systemctl', ...(system ? [] : ['--user']), ...words];
  const data = system ? `/var/lib/${name}` : (home ?? 'the data folder of the user (p2pmsgd paths)');
  return {
    path: join(folder, unit),
    text: unitOf(template, program),
    isOurs: text => text.startsWith(WRITTEN_BY_US),
    // restart, because an upgrade installs over a service that runs.
    start: [systemctl('daemon-reload'), systemctl('enable', unit), systemctl('restart', unit)],
    stop: [systemctl('disable', '--now', unit)],
    after: [systemctl('daemon-reload')],
    hints: [
      `Logs: journalctl ${system ? '' : '--user '}-u ${unit} -f`,
      ...(system ? [] : ['It runs while you are logged in; to run it always: loginctl enable-linger']),
      ...(system && name === 'p2pmsgd' ? [`The command line: sudo P2PMSG_HOME=${data} p2pmsg status`] : []),
    ],
    data,
  };
}

function launchdPlan({ program: name, system, home }: ServiceChoice, host: ServiceHost, program: ServiceProgram): Plan {
  if (system) throw new StartFault(EXIT.usage, 'on macOS the service is an agent of the user: install it with --user');
  const label = `p2pmsg.${name}`;
  const log = join(host.userHome, 'Library/Logs', `${name}.log`);
  const relayHome = join(host.userHome, 'Library/Application Support', name);
  const env = name === 'p2pmsgd' || home !== undefined ? program.env : { ...program.env, P2PMSG_HOME: relayHome };
  const path = join(host.userHome, 'Library/LaunchAgents', `${label}.plist`);
  const domain = `gui/${host.uid}`;
  return {
    path,
    text: launchAgentOf(label, { ...program, env }, log),
    isOurs: text => text.includes(`<string>${label}</string>`),
    start: [['launchctl', 'bootstrap', domain, path]],
    stop: [['launchctl', 'bootout', `${domain}/${label}`]],
    after: [],
    hints: [`Logs: tail -f ${log}`],
    data: env['P2PMSG_HOME'] ?? 'the data folder of the user (p2pmsgd paths)',
  };
}

/** @throws StartFault before anything is written */
function checkManager({ system }: ServiceChoice, host: ServiceHost): void {
  if (system && host.uid !== 0)
    throw new StartFault(EXIT.permission, 'a service of the system needs root: run it with sudo, or take --user');
  if (host.platform === 'linux' && !existsSync(join(host.systemRoot, '/run/systemd/system')))
    throw new StartFault(EXIT.failed, 'systemd does not run on this machine; --dry-run shows what would be written');
}

/** A service has a short PATH: a Node that is neither ours nor in a usual place must be named. Null: nothing to do. */
function nodeFolder(root: string, node: string): string | null {
  const folder = dirname(node);
  const isOwn = folder.startsWith(`${root}/`) || folder.startsWith(`${dirname(root)}/node-`);
  return isOwn || ['/usr/bin', '/usr/local/bin', '/bin'].includes(folder) ? null : folder;
}

const shown = (command: readonly string[]): string =>
  command.map(word => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ');
