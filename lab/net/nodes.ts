import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProgram, type Daemon, type Program } from '../programs.ts';
import type { Workspace } from '../workspace.ts';
import type { World } from './world.ts';

/** As our relays and daemons do it by default. */
const RELAY_PORT = 4001;
const DAEMON_PORT = 7301;

interface NodeOptions {
  /** The host of the world that it runs on, and its name. */
  readonly host: string;
  /** Another name than the host's: two programs on one host. */
  readonly name?: string;
  readonly port?: number;
  /** More arguments of `serve`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface WorldDaemonOptions extends NodeOptions {
  readonly relays?: readonly string[];
  /** false: opens no port. */
  readonly listens?: boolean;
  readonly mdns?: boolean;
  /** TCP only unless told. */
  readonly quic?: boolean;
}

/** A relay on a public host; it can be killed and started again. */
export async function startWorldRelay(
  lab: Pick<Workspace, 'folder' | 'spawn'>,
  world: Pick<World, 'host'>,
  options: NodeOptions,
): Promise<Program> {
  const { host: on, name = on, port = RELAY_PORT, args = [], env = {} } = options;
  const { namespace, ip, ip6 } = world.host(on);
  const relay = createProgram(lab, {
    name,
    binary: 'p2pmsg-relay',
    namespace,
    env,
    args: () => [
      `--listen=/ip4/${ip}/tcp/${port}`,
      ...(ip6 === null ? [] : [`--listen=/ip6/${ip6}/tcp/${port}`]),
      ...args,
    ],
  });
  await relay.start();
  return relay;
}

/** A daemon on a host; its API is reached by its unix socket, which no namespace hides. */
export async function startWorldDaemon(
  lab: Pick<Workspace, 'folder' | 'spawn'>,
  world: Pick<World, 'host'>,
  options: WorldDaemonOptions,
): Promise<Daemon> {
  const daemon = createWorldDaemon(lab, world, options);
  await daemon.start();
  return daemon;
}

export function createWorldDaemon(
  lab: Pick<Workspace, 'folder' | 'spawn'>,
  world: Pick<World, 'host'>,
  options: WorldDaemonOptions,
): Daemon {
  const { host: on, name = on, port = DAEMON_PORT, args = [], env = {}, relays = [] } = options;
  const { namespace, ip6 } = world.host(on);
  const families = ['/ip4/0.0.0.0', ...(ip6 === null ? [] : ['/ip6/::'])];
  const listen =
    options.listens === false
      ? ['none']
      : families.flatMap(any => [`${any}/tcp/${port}`, ...(options.quic ? [`${any}/udp/${port}/quic-v1`] : [])]);
  const daemon = createProgram(lab, {
    name,
    binary: 'p2pmsgd',
    namespace,
    env,
    args: () => [
      ...(options.mdns ? [] : ['--no-mdns']),
      `--name=${name}`,
      '--api=127.0.0.1:0',
      ...listen.map(address => `--listen=${address}`),
      ...relays.flatMap(address => ['--relay', address]),
      ...args,
    ],
  });
  const socketPath = join(daemon.home, 'api.sock');
  return Object.defineProperties(daemon as Daemon, {
    address: {
      get: () => ({
        url: 'http://localhost',
        token: readFileSync(join(daemon.home, 'admin-token'), 'utf8').trim(),
        socketPath,
      }),
    },
    peerId: { get: () => daemon.ready.peerId },
  });
}
