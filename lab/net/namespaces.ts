import type { Workspace } from '../workspace.ts';
import { run } from './command.ts';

/** Network namespaces of one network; disposing deletes them, and the guardian does when the lab was killed. */
export interface Namespaces extends AsyncDisposable {
  /** A new namespace with loopback up. Resolves to its name. */
  add(label: string): Promise<string>;
  /** Lines for `ip -batch` in a namespace. */
  ip(namespace: string, lines: readonly string[]): Promise<void>;
  /** Writes files under /proc/sys in a namespace, `net/ipv4/ip_forward=1`. */
  sysctl(namespace: string, settings: readonly string[]): Promise<void>;
  /** An interface `eth0` with this IPv4 address (`10.0.0.2/24`) in a namespace, plugged into a bridge in another one. */
  plug(
    namespace: string,
    address: string,
    into: { readonly namespace: string; readonly bridge: string },
  ): Promise<void>;
  /** Loads nftables rules in a namespace. */
  rules(namespace: string, rules: string): Promise<void>;
}

let networks = 0;

export function createNamespaces(lab: Pick<Workspace, 'guardNamespace'>): Namespaces {
  networks += 1;
  const prefix = `p2pm-${process.pid}-${networks}`;
  const made: string[] = [];
  let cables = 0;
  const ip = async (namespace: string, lines: readonly string[]): Promise<void> => {
    await run(['ip', '-n', namespace, '-batch', '-'], `${lines.join('\n')}\n`);
  };
  return {
    async add(label) {
      const namespace = `${prefix}-${label}`;
      lab.guardNamespace(namespace);
      await run(['ip', 'netns', 'add', namespace]);
      made.push(namespace);
      await run(['ip', '-n', namespace, 'link', 'set', 'lo', 'up']);
      return namespace;
    },
    ip,
    async plug(namespace, address, into) {
      cables += 1;
      await ip(into.namespace, [
        `link add name port${cables} type veth peer name eth0 netns ${namespace}`,
        `link set port${cables} master ${into.bridge} up`,
      ]);
      await ip(namespace, [`addr add ${address} dev eth0`, 'link set eth0 up']);
    },
    async sysctl(namespace, settings) {
      const script = settings.map(setting => {
        const [name, value] = setting.split('=');
        return `[ ! -e /proc/sys/${name} ] || echo ${value} >/proc/sys/${name}`;
      });
      await run(['ip', 'netns', 'exec', namespace, 'sh', '-e'], `${script.join('\n')}\n`);
    },
    async rules(namespace, rules) {
      await run(['ip', 'netns', 'exec', namespace, 'nft', '-f', '-'], rules);
    },
    async [Symbol.asyncDispose]() {
      for (const namespace of made.splice(0).toReversed()) await run(['ip', 'netns', 'del', namespace]);
    },
  };
}
