import type { Child, SpawnOptions, Workspace } from '../workspace.ts';
import { run } from './command.ts';
import { createNamespaces } from './namespaces.ts';
import { type NatKind, natRules } from './nat.ts';
import { type Line, type PairCounts, startRouter } from './router.ts';

/** A place on the public network: one public host, or a NAT box with hosts behind it. */
export interface SiteOptions {
  /** `none` unless told: the site is one public host of the same name. */
  readonly nat?: NatKind;
  /** Names of the hosts behind the NAT. */
  readonly hosts?: readonly string[];
  /** What a SYN gets that nobody has asked for; `drop` unless told. */
  readonly unsolicited?: 'drop' | 'reset';
  readonly hairpin?: boolean;
  /** Public IPv6 addresses for the site and its hosts. */
  readonly ipv6?: boolean;
  /** The LAN is 192.168.SUBNET.0/24; of its own unless told. */
  readonly subnet?: number;
}

export interface WorldOptions {
  readonly seed: number;
  readonly sites: Readonly<Record<string, SiteOptions>>;
  /** Between any two sites; perfect unless told. */
  readonly line?: Line;
}

export interface WorldHost {
  readonly name: string;
  readonly site: string;
  readonly namespace: string;
  /** Of its own interface: private behind a NAT. */
  readonly ip: string;
  readonly publicIp: string;
  readonly ip6: string | null;
}

/** A public network with sites on it, in network namespaces. */
export interface World extends AsyncDisposable {
  /** @throws when no site has such a host */
  host(name: string): WorldHost;
  /** Both directions between two sites. */
  line(a: string, b: string, line: Line): Promise<void>;
  /** Between any two sites whose line was not set by itself. */
  lines(line: Line): Promise<void>;
  /** Nothing passes between sites of different groups; a site in no group reaches everybody. */
  cut(...groups: readonly (readonly string[])[]): Promise<void>;
  heal(): Promise<void>;
  counts(): Promise<Readonly<Record<string, PairCounts>>>;
  /** Any process on a host. It is ended with the world, also when the lab is killed. */
  spawn(host: string, command: readonly string[], options: SpawnOptions): Child;
  /** Output of a command on a host. @throws when it fails */
  run(host: string, command: readonly string[], input?: string): Promise<string>;
}

/** Why no world can be opened is told by `missingFor('nft', 'python3')`. */
export async function openWorld(
  lab: Pick<Workspace, 'folder' | 'spawn' | 'guardNamespace'>,
  options: WorldOptions,
): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const namespaces = stack.use(createNamespaces(lab));
  const hub = await namespaces.add('hub');
  const router = stack.use(startRouter(lab, { namespace: hub, seed: options.seed }));
  if (options.line) await router.line(options.line);
  const hosts = new Map<string, WorldHost>();
  const sites = Object.entries(options.sites);
  for (const [at, [name, site]] of sites.entries()) await addSite(at + 1, name, site);

  async function addSite(number: number, name: string, site: SiteOptions): Promise<void> {
    const { nat = 'none', ipv6 = false, subnet = number, hosts: inside = [] } = site;
    // Blocks of large providers: libp2p must hold them for public. They are never seen outside of the namespaces.
    const publicIp = `11.${number}.0.1`;
    const prefix6 = `2a0f:${number}`;
    const device = `w${number}`;
    const box = await namespaces.add(name);
    await router.site(name, device, [`11.${number}.0.0/16`, ...(ipv6 ? [`${prefix6}::/32`] : [])]);
    await run(['ip', '-n', hub, 'link', 'set', device, 'netns', box]);
    // What hosts of one LAN say to each other passes no rule of the box.
    const bridge = ['net/bridge/bridge-nf-call-iptables=0', 'net/bridge/bridge-nf-call-ip6tables=0'];
    await namespaces.sysctl(box, ['net/ipv4/ip_forward=1', ...bridge, ...ipv6Settings(ipv6, true)]);
    await namespaces.ip(box, [
      `link set ${device} name wan`,
      'link set wan up txqueuelen 2000',
      `addr add ${publicIp}/32 dev wan`,
      'route add default dev wan',
      ...(ipv6 ? [`addr add ${prefix6}::1/128 dev wan nodad`, 'route add ::/0 dev wan'] : []),
    ]);
    if (nat === 'none') {
      hosts.set(name, { name, site: name, namespace: box, ip: publicIp, publicIp, ip6: ipv6 ? `${prefix6}::1` : null });
      return;
    }
    await namespaces.ip(box, [
      'link add name lan type bridge mcast_snooping 0',
      'link set lan up',
      `addr add 192.168.${subnet}.1/24 dev lan`,
      ...(ipv6 ? [`addr add ${prefix6}:1::1/64 dev lan nodad`] : []),
    ]);
    await namespaces.rules(
      box,
      natRules({
        kind: nat,
        publicIp,
        unsolicited: site.unsolicited ?? 'drop',
        hairpin: site.hairpin ?? false,
      }),
    );
    for (const [index, host] of inside.entries()) {
      const namespace = await namespaces.add(host);
      const ip = `192.168.${subnet}.${index + 2}`;
      const ip6 = ipv6 ? `${prefix6}:1::${index + 2}` : null;
      await namespaces.sysctl(namespace, ipv6Settings(ipv6, false));
      await namespaces.plug(namespace, `${ip}/24`, { namespace: box, bridge: 'lan' });
      await namespaces.ip(namespace, [
        `route add default via 192.168.${subnet}.1`,
        ...(ip6 ? [`addr add ${ip6}/64 dev eth0 nodad`, `route add ::/0 via ${prefix6}:1::1`] : []),
      ]);
      hosts.set(host, { name: host, site: name, namespace, ip, publicIp, ip6 });
    }
  }

  const host = (name: string): WorldHost => {
    const found = hosts.get(name);
    if (!found) throw new Error(`there is no host ${name}`);
    return found;
  };
  const all = stack.move();
  return {
    host,
    async line(a, b, line) {
      await router.line(line, { from: a, to: b });
      await router.line(line, { from: b, to: a });
    },
    lines: line => router.line(line),
    cut: (...groups) =>
      router.cut(
        groups.flatMap(group =>
          groups
            .filter(other => other !== group)
            .flatMap(other => group.flatMap(from => other.map(to => [from, to] as const))),
        ),
      ),
    heal: () => router.cut([]),
    counts: () => router.counts(),
    spawn: (name, command, spawnOptions) =>
      lab.spawn('ip', ['netns', 'exec', host(name).namespace, ...command], spawnOptions),
    run: (name, command, input) => run(['ip', 'netns', 'exec', host(name).namespace, ...command], input),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function ipv6Settings(on: boolean, forwards: boolean): readonly string[] {
  if (!on) return ['net/ipv6/conf/all/disable_ipv6=1', 'net/ipv6/conf/default/disable_ipv6=1'];
  return ['net/ipv6/conf/default/accept_ra=0', ...(forwards ? ['net/ipv6/conf/all/forwarding=1'] : [])];
}
