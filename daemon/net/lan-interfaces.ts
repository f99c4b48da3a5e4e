import { BlockList } from 'node:net';
import { networkInterfaces } from 'node:os';

/** A network that this machine is on with other machines. */
export interface LanInterface {
  readonly name: string;
  /** The IPv4 address that multicast leaves from. */
  readonly address: string;
  /** All of its addresses, IPv6 too. */
  readonly addresses: readonly string[];
  /** Whether an IPv4 address is on its subnet. */
  has(address: string): boolean;
}

/**
 * Adapters on which there is no neighbour to find: containers, virtual machines, VPNs. Naming this machine there tells
 * others about it that were not asked.
 */
const VIRTUAL =
  /^(docker|br-[0-9a-f]{12}$|veth|virbr|vmnet|vboxnet|vnet|vethernet|lxc|lxd|podman|cni|flannel|cali|cilium|nerdctl|tun|tap|wg|utun|ppp|ipsec|tailscale|nordlynx|proton|mullvad|zt|zerotier|hamachi|ham\d|bridge1\d\d$|awdl|llw|anpi|feth)/i;

/**
 * The interfaces for discovery: real networks; the loopback when there is no other, so that two daemons on a machine
 * without network find each other.
 */
export function lanInterfaces(all: ReturnType<typeof networkInterfaces> = networkInterfaces()): LanInterface[] {
  const found: (LanInterface & { internal: boolean })[] = [];
  for (const [name, infos = []] of Object.entries(all)) {
    const ip4 = infos.filter(({ family }) => family === 'IPv4');
    const [first] = ip4;
    if (!first || VIRTUAL.test(name)) continue;
    const subnets = new BlockList();
    for (const { address, netmask } of ip4) subnets.addSubnet(address, prefixLength(netmask), 'ipv4');
    found.push({
      name,
      address: first.address,
      addresses: infos.map(({ address }) => address),
      has: address => subnets.check(address, 'ipv4'),
      internal: first.internal,
    });
  }
  const real = found.filter(({ internal }) => !internal);
  return real.length > 0 ? real : found;
}

const prefixLength = (netmask: string): number =>
  netmask.split('.').reduce((bits, part) => bits + Number(part).toString(2).replaceAll('0', '').length, 0);
