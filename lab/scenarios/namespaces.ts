import { spawnSync } from 'node:child_process';
import { run } from './adapter.ts';

/** Hosts of their own on one switch: network namespaces joined by a bridge in a further namespace. */
export interface Switched extends AsyncDisposable {
  /** The namespace with the bridge: what is captured in it on `switch0` is every frame between the hosts. */
  readonly hub: string;
  readonly hosts: readonly { readonly namespace: string; readonly ip: string }[];
}

/** Why namespaces cannot be made here; null when they can. */
export function missingFor(...tools: readonly string[]): string | null {
  if (process.getuid?.() !== 0) return 'needs root';
  for (const tool of ['ip', 'curl', ...tools])
    if (spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0) return `${tool} is not installed`;
  const probe = `p2pm-probe-${process.pid}`;
  if (spawnSync('ip', ['netns', 'add', probe]).status !== 0) return 'network namespaces cannot be made here';
  spawnSync('ip', ['netns', 'del', probe]);
  return null;
}

/** One network of `count` hosts. Multicast goes out of the same interface as everything else. */
export async function openSwitch(count: number): Promise<Switched> {
  const made: string[] = [];
  const ip = (...args: readonly string[]): Promise<string> => run(['ip', ...args]);
  const add = async (namespace: string): Promise<string> => {
    await ip('netns', 'add', namespace);
    made.push(namespace);
    await ip('-n', namespace, 'link', 'set', 'lo', 'up');
    return namespace;
  };
  const remove = async (): Promise<void> => {
    for (const namespace of made.splice(0)) await ip('netns', 'del', namespace);
  };
  try {
    const hub = await add(`p2pm-${process.pid}-hub`);
    await ip('-n', hub, 'link', 'add', 'name', 'switch0', 'type', 'bridge', 'mcast_snooping', '0');
    await ip('-n', hub, 'link', 'set', 'switch0', 'up');
    const hosts = [];
    for (let n = 1; n <= count; n += 1) {
      const namespace = await add(`p2pm-${process.pid}-${n}`);
      const address = `10.83.7.${n}`;
      await ip(
        '-n',
        hub,
        'link',
        'add',
        'name',
        `port${n}`,
        'type',
        'veth',
        'peer',
        'name',
        'eth0',
        'netns',
        namespace,
      );
      await ip('-n', hub, 'link', 'set', `port${n}`, 'master', 'switch0', 'up');
      await ip('-n', namespace, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
      await ip('-n', namespace, 'link', 'set', 'eth0', 'up');
      await ip('-n', namespace, 'route', 'add', '224.0.0.0/4', 'dev', 'eth0');
      hosts.push({ namespace, ip: address });
    }
    return { hub, hosts, [Symbol.asyncDispose]: remove };
  } catch (fault) {
    await remove();
    throw fault;
  }
}
