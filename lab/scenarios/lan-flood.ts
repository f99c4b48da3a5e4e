import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { missingFor, run } from '../net/command.ts';
import { openSwitch } from '../net/switch.ts';
import { NODE, ROOT } from '../workspace.ts';
import { type Daemon, sleep, startDaemon } from './adapter.ts';
import { runAlone, scenario } from './harness.ts';
import { befriend, delivered, send } from './talk.ts';

const RATE = 500;
const FLOOD_SECONDS = { ci: 20, full: 60 };
const LISTEN = ['/ip4/0.0.0.0/tcp/0'];

/**
 * A host with VPN and container adapters, which multicast would leave by if the system chose, and a neighbour that
 * announces 500 invented peers a second.
 */
export const lanFlood = scenario({
  name: 'lan-flood',
  what: 'VPN and container adapters beside the network, 500 spoofed mDNS announcements a second',
  needsRoot: true,
  missing: () => missingFor(),
  async run(lab) {
    await using network = await openSwitch(lab, 3);
    const [here, attacker, there] = network.hosts;
    if (!here || !attacker || !there) throw new Error('no hosts');
    for (const [n, name] of ['docker0', 'wg0', 'tailscale0'].entries()) {
      const ip = (...args: string[]): Promise<string> => run(['ip', '-n', here.namespace, ...args]);
      await ip('link', 'add', name, 'type', 'veth', 'peer', 'name', `peer${n}`);
      await ip('link', 'set', `peer${n}`, 'up');
      await ip('addr', 'add', `172.2${n}.0.1/16`, 'dev', name);
      await ip('link', 'set', name, 'up', 'multicast', 'on');
      await ip('route', 'replace', '224.0.0.0/4', 'dev', name);
    }
    const daemon = (name: string, namespace: string): Promise<Daemon> =>
      startDaemon(lab, { home: `${lab.folder}/${name}`, listen: LISTEN, name, mdns: true, namespace });
    const ours = await daemon('ours', here.namespace);
    let honest = await daemon('honest', there.namespace);
    await befriend(ours, honest, honest.peerId);
    lab.check('found by mDNS beside the other adapters', true);
    await honest.stop();

    const args = ['--ip', attacker.ip, '--rate', String(RATE), '--victim', honest.peerId, '--folder', lab.folder];
    const flooder = lab.spawn(
      'ip',
      ['netns', 'exec', attacker.namespace, NODE, join(ROOT, 'lab', 'lan-flooder.ts'), ...args],
      { stderr: 'flooder.err' },
    );
    await new Promise(resolve => flooder.process.stdout?.once('data', resolve));
    // Its first second is full of what is still allowed at once.
    await sleep(2_000);
    const seconds = FLOOD_SECONDS[lab.tier];
    const before = { dials: await dialsOf(here.namespace), cpuMs: cpuMsOf(ours.pid), atMs: performance.now() };
    await sleep(seconds * 1_000);
    const tookSeconds = (performance.now() - before.atMs) / 1_000;
    const dialsPerSecond = ((await dialsOf(here.namespace)) - before.dials) / tookSeconds;
    lab.figure('dials a second under the flood', Math.round(dialsPerSecond * 100) / 100);
    lab.figure('processor, % of a core', Math.round((cpuMsOf(ours.pid) - before.cpuMs) / tookSeconds / 10));
    lab.check('at most two wasted dials a second', dialsPerSecond <= 2, dialsPerSecond);
    lab.check('the flood was heard: something was dialled', dialsPerSecond > 0.2, dialsPerSecond);

    // It comes back at another port, which only mDNS tells, in the middle of the flood.
    const message = await send(ours, honest, 'are you there?');
    honest = await daemon('honest', there.namespace);
    const from = performance.now();
    const one = await delivered(ours, message.id, 60_000).catch(() => null);
    lab.check('a contact that comes in the flood is found, and the message delivered', one !== null);
    lab.figure('delivered after ms', Math.round(performance.now() - from));
    flooder.process.kill('SIGKILL');
    await flooder.exited;
  },
});

/** TCP connections begun in this namespace since it was made (ActiveOpens of /proc/net/snmp). */
async function dialsOf(namespace: string): Promise<number> {
  const text = await run(['ip', 'netns', 'exec', namespace, 'cat', '/proc/net/snmp']);
  const [names = [], numbers = []] = text
    .split('\n')
    .filter(line => line.startsWith('Tcp:'))
    .map(line => line.split(' '));
  return Number(numbers[names.indexOf('ActiveOpens')]);
}

/** User and system time; fields 14 and 15 of /proc/PID/stat, in ticks of 10 ms. */
function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

if (import.meta.main) await runAlone(lanFlood);
