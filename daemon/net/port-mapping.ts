import { type Gateway, upnpNat } from '@achingbrain/nat-port-mapper';
import { serviceDependencies } from '@libp2p/interface';
import { type UPnPNATClient, uPnPNAT } from '@libp2p/upnp-nat';
import type { Clock } from '../base/clock.ts';
import { within } from './deadline.ts';
import type { HostServiceFactory } from './host.ts';
import { createPmpGateway, defaultGateway } from './nat-pmp.ts';

/** A stopping daemon takes its mappings back, but does not wait longer for a router that is slow. */
const STOP_WAIT_MS = 300;
const PMP_TIMEOUT_MS = 4_000;
const MAPPING_TTL_MS = 30 * 60_000;

export interface PortMapping {
  readonly service: HostServiceFactory;
  /** What was found: nothing said yet, no router that maps, or one. */
  gateway(): 'searching' | 'none' | 'nat-pmp' | 'upnp';
}

/**
 * Asks the router to let others in, by NAT-PMP, else by UPnP. Mappings are not announced by this: reachability.ts looks
 * at them first. Searching goes on in the background; neither start nor stop waits for it.
 */
export function createPortMapping(
  { clock }: { clock: Clock },
  options: {
    /** For tests: these instead of a search. */
    readonly pmp?: { host: string; port: number } | null;
    readonly upnp?: readonly string[];
  } = {},
): PortMapping {
  let gateway: ReturnType<PortMapping['gateway']> = 'searching';
  const upnp = upnpNat({ description: 'p2pmsgd', ttl: MAPPING_TTL_MS });

  const findPmp = async (): Promise<Gateway | null> => {
    const at = options.pmp === undefined ? { host: await defaultGateway() } : options.pmp;
    if (!at?.host) return null;
    const found = createPmpGateway({ clock }, { ...at, host: at.host });
    const { signal: outer } = new AbortController();
    const answered = await within(clock, { timeoutMs: PMP_TIMEOUT_MS, outer }, signal =>
      found.externalIp({ signal }),
    ).catch(() => null);
    return answered === null ? null : found;
  };
  const client: UPnPNATClient = {
    getGateway: (...args) => upnp.getGateway(...args),
    async *findGateways(search) {
      const pmp = await findPmp();
      if (pmp) {
        gateway = 'nat-pmp';
        yield pmp;
        return;
      }
      try {
        if (options.upnp) for (const url of options.upnp) yield found(await upnp.getGateway(new URL(url), search));
        else for await (const one of upnp.findGateways(search)) yield found(one);
      } finally {
        if (gateway === 'searching') gateway = 'none';
      }
    },
  };
  const found = (one: Gateway): Gateway => {
    gateway = 'upnp';
    return one;
  };

  return {
    gateway: () => gateway,
    service: components => {
      const service = uPnPNAT({ portMappingClient: client, autoConfirmAddress: false })(
        components,
      ) as unknown as Mapper;
      // It wants AutoNAT beside it when it does not confirm by itself; reachability.ts is that.
      Object.defineProperty(service, serviceDependencies, { value: [] });
      const stop = service.stop.bind(service);
      service.stop = () =>
        Promise.race([stop().catch(() => undefined), new Promise<void>(resolve => clock.after(STOP_WAIT_MS, resolve))]);
      return service;
    },
  };
}

interface Mapper {
  stop(): Promise<void>;
}
