import { systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { createHost, DAEMON_BUDGET, type Host, type HostOptions } from './host.ts';
import { generateIdentity } from './keyfile.ts';

/** Hosts for tests, each on a loopback address of its own: libp2p limits new connections per IP. */
export interface LoopbackHosts {
  build(options?: Partial<HostOptions>): Promise<Host>;
  start(options?: Partial<HostOptions>): Promise<Host>;
  /** Stops all. */
  stop(): Promise<void>;
}

/** `network`: `127.31.0`, another one for each test file. */
export function createLoopbackHosts(network: string): LoopbackHosts {
  const hosts: Host[] = [];
  let lastIp = 0;
  const build = async (options: Partial<HostOptions> = {}): Promise<Host> => {
    const host = await createHost(
      { log: silentLogger, clock: systemClock, identity: generateIdentity() },
      {
        listen: [`/ip4/${network}.${(lastIp += 1)}/tcp/0`],
        announce: [],
        appendAnnounce: [],
        agent: 'p2pmsgd/test',
        budget: DAEMON_BUDGET,
        ...options,
      },
    );
    hosts.push(host);
    return host;
  };
  return {
    build,
    async start(options) {
      const host = await build(options);
      await host.node.start();
      return host;
    },
    async stop() {
      await Promise.all(hosts.splice(0).map(async ({ node }) => node.stop()));
    },
  };
}
