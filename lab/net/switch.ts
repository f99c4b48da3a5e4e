import type { Workspace } from '../workspace.ts';
import { createNamespaces } from './namespaces.ts';

/** Hosts of their own on one switch: network namespaces joined by a bridge in a further namespace. */
export interface Switched extends AsyncDisposable {
  /** The namespace with the bridge: what is captured in it on `switch0` is every frame between the hosts. */
  readonly hub: string;
  readonly hosts: readonly { readonly namespace: string; readonly ip: string }[];
}

/** One network of `count` hosts. Multicast goes out of the same interface as everything else. */
export async function openSwitch(lab: Pick<Workspace, 'guardNamespace'>, count: number): Promise<Switched> {
  await using stack = new AsyncDisposableStack();
  const namespaces = stack.use(createNamespaces(lab));
  const hub = await namespaces.add('hub');
  await namespaces.ip(hub, ['link add name switch0 type bridge mcast_snooping 0', 'link set switch0 up']);
  const hosts = [];
  for (let n = 1; n <= count; n += 1) {
    const namespace = await namespaces.add(String(n));
    const ip = `10.83.7.${n}`;
    await namespaces.plug(namespace, `${ip}/24`, { namespace: hub, bridge: 'switch0' });
    await namespaces.ip(namespace, ['route add 224.0.0.0/4 dev eth0']);
    hosts.push({ namespace, ip });
  }
  const all = stack.move();
  return { hub, hosts, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
