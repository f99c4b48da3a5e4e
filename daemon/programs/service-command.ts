import { spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { ServiceHost, ServiceProgramName } from './service.ts';

interface ServiceFlags {
  readonly system?: boolean;
  readonly user?: boolean;
  readonly dryRun?: boolean;
  readonly relay?: boolean;
}

/** `p2pmsgd service install|uninstall`. */
export function serviceCommands(
  command: (parent: Command, usage: string, description: string, example: string) => Command,
  program: Command,
): void {
  const service = program.command('service').description('run it as a service of systemd or launchd');
  for (const [verb, description, example] of [
    ['install', 'write the unit, start the service, and start it again after each boot', 'p2pmsgd service install'],
    ['uninstall', 'stop the service and remove the unit; the data stays', 'p2pmsgd service uninstall'],
  ] as const)
    command(service, verb, description, example)
      .addOption(new Option('--user', 'for the user who runs this (the default, but not for root)').conflicts('system'))
      .option('--system', 'for the whole machine, with its own user and /var/lib/p2pmsgd')
      .option('--relay', 'p2pmsg-relay instead of p2pmsgd')
      .option('--dry-run', 'only print what would be written and run')
      .action(async (flags: ServiceFlags) => {
        const { installService, uninstallService } = await import('./service.ts');
        const host = thisHost();
        const name: ServiceProgramName = flags.relay ? 'p2pmsg-relay' : 'p2pmsgd';
        const home = program.opts<{ home?: string }>().home;
        const choice = {
          program: name,
          system: flags.system ?? (flags.user !== true && host.platform === 'linux' && host.uid === 0),
          dryRun: flags.dryRun === true,
          home: home === undefined ? undefined : resolve(home),
        };
        (verb === 'install' ? installService : uninstallService)(choice, host);
      });
}

const thisHost = (): ServiceHost => ({
  platform: process.platform,
  uid: process.getuid?.() ?? -1,
  env: process.env,
  userHome: homedir(),
  systemRoot: '',
  root: join(import.meta.dirname, '../..'),
  node: process.execPath,
  run: ([name = '', ...args]) => {
    const { status, error } = spawnSync(name, args, { stdio: ['ignore', 2, 2] });
    return error ? null : status;
  },
  say: line => process.stdout.write(`${line}\n`),
});
