import { isIP } from 'node:net';
import { z } from 'zod';
import { isPeerIdText } from '#api/ids';
import { givenName } from '#api/rest/primitives';

const apiListen = z.string().refine(text => parseHostPort(text) !== null, {
  message: 'must be HOST:PORT, for example 127.0.0.1:7300',
});

/** A DNS name or a literal address by which clients reach the API; it stands in their Host header. */
const apiName = z
  .string()
  .max(253)
  .transform(text => text.toLowerCase().replace(/^\[(.*)\]$/, '$1'))
  .refine(text => isIP(text) !== 0 || DNS_NAME.test(text), 'must be a name like p2pmsg.example.org or an address');
const DNS_NAME = /^(?!\d+$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;

const pemPath = z.string({ error: 'a certificate needs its key and a key its certificate: give both' }).min(1);

/** A bind that others can reach needs both: the flag that says so, and TLS. */
const api = z
  .strictObject({
    listen: apiListen.default('127.0.0.1:7300'),
    allowRemoteIKnowTheRisk: z.boolean().default(false),
    /** Paths of PEM files. */
    tls: z.strictObject({ cert: pemPath, key: pemPath }).optional(),
    /** Besides loopback names and the bound address. */
    names: z.array(apiName).max(16).default([]),
  })
  .check(({ value, issues }) => {
    const host = parseHostPort(value.listen)?.host;
    if (host === undefined || isLoopback(host)) return;
    if (isIP(host) === 0) {
      const message = 'must be an address, and --api-name the name by which it is reached';
      issues.push({ code: 'custom', path: ['listen'], input: value.listen, message });
      return;
    }
    const missing = [
      ...(value.allowRemoteIKnowTheRisk ? [] : ['--api-allow-remote-i-know-the-risk']),
      ...(value.tls === undefined ? ['--api-tls-cert FILE and --api-tls-key FILE'] : []),
      ...(isWildcard(host) && value.names.length === 0 ? ['--api-name NAME (how clients reach this machine)'] : []),
    ];
    if (missing.length > 0)
      issues.push({
        code: 'custom',
        path: ['listen'],
        input: value.listen,
        message: `others can reach this address, which needs ${missing.join(', ')}; or use a loopback address and SSH or the unix socket`,
      });
  });

const HOST_PART = /^\/(ip4|ip6|dns|dns4|dns6|dnsaddr)\/([^/]+)(\/.*)?$/;
const TRANSPORT = /^\/(tcp\/(?<tcp>\d{1,5})|udp\/(?<udp>\d{1,5})\/quic-v1)$/;

/** `/ip4/HOST/tcp/PORT` or `/ip4/HOST/udp/PORT/quic-v1`; only the shape is checked here, `net/` parses it. */
const listenAddress = z.string().refine(text => {
  const [, kind, host, rest = ''] = HOST_PART.exec(text) ?? [];
  return (kind === 'ip4' || kind === 'ip6') && isIP(host ?? '') === Number(kind.at(-1)) && hasTransport(rest);
}, 'must look like /ip4/0.0.0.0/tcp/7301 or /ip4/0.0.0.0/udp/7301/quic-v1');

const announceAddress = z.string().refine(text => HOST_PART.test(text) && hasTransport(text.replace(HOST_PART, '$3')), {
  message: 'must look like /ip4/203.0.113.7/tcp/4001 or /dns/example.org/tcp/4001',
});

/** P2PMsg writes `…/p2p/<relay>/p2p-circuit`: the ending says how the relay is used, not where it is. */
const peerAddress = z
  .string()
  .transform(text => text.replace(/\/p2p-circuit\/?$/, ''))
  .refine(text => {
    const [, address = '', peer = ''] = /^(.*)\/p2p\/([^/]+)$/.exec(text) ?? [];
    return (
      isPeerIdText(peer) &&
      HOST_PART.test(address) &&
      (hasTransport(address.replace(HOST_PART, '$3')) || address.startsWith('/dnsaddr/'))
    );
  }, 'must look like /ip4/203.0.113.7/tcp/4001/p2p/12D3KooW…');

const listenDefault = [
  '/ip4/0.0.0.0/tcp/7301',
  '/ip6/::/tcp/7301',
  '/ip4/0.0.0.0/udp/7301/quic-v1',
  '/ip6/::/udp/7301/quic-v1',
];

export const configSchema = z.strictObject({
  name: givenName.optional(),
  api: api.prefault({}),
  net: z
    .strictObject({
      /** Empty: no port is opened, outgoing connections and circuits only. */
      listen: z.array(listenAddress).max(16).default(listenDefault),
      announce: z.array(announceAddress).max(16).default([]),
      relays: z.array(peerAddress).max(16).default([]),
      bootstrap: z.array(peerAddress).max(64).default([]),
      mdns: z.boolean().default(true),
      /** Asks the router for an open port, by NAT-PMP or UPnP. */
      upnp: z.boolean().default(true),
      /** `client` asks relays and bootstrap nodes where a contact is; `server` answers others too. */
      dht: z.enum(['off', 'client', 'server']).default('client'),
      reservations: z.int().min(0).max(8).default(2),
    })
    .prefault({}),
  presence: z.strictObject({ discoverable: z.boolean().default(true) }).prefault({}),
  lobby: z.strictObject({ enabled: z.boolean().default(true) }).prefault({}),
  store: z
    .strictObject({
      /** Where the key of an encrypted home comes from; `auto`: from where key.json says. */
      key: z.enum(['auto', 'credential', 'keyring', 'passphrase', 'file', 'none']).default('auto'),
    })
    .prefault({}),
  receipts: z.strictObject({ read: z.boolean().default(true) }).prefault({}),
  events: z
    .strictObject({
      keepDays: z.int().min(1).max(3650).default(30),
      keepRows: z.int().min(1000).max(1_000_000_000).default(1_000_000),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
      /** `auto`: readable on a terminal, JSON lines elsewhere. */
      format: z.enum(['auto', 'pretty', 'json']).default('auto'),
    })
    .prefault({}),
});

type DeepReadonly<T> = T extends readonly (infer E)[]
  ? readonly E[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

/** Deeply frozen. Holds no secret: it can be logged and shown. */
export type Config = DeepReadonly<z.output<typeof configSchema>> & {
  /** The user named the listen addresses: a taken port is an error and not a reason to take another one. */
  readonly listenIsExplicit: boolean;
};

/** Apart from Config, so that showing the configuration cannot show them. */
export interface Secrets {
  /** A token that counts as `admin`, given by the environment. */
  readonly token: string | null;
}

/** `[::1]:7300` and `localhost:0` included; null when it is no HOST:PORT. */
export function parseHostPort(text: string): { host: string; port: number } | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s/]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (!host || port > 65_535 || (match?.[1] && isIP(host) !== 6)) return null;
  return { host, port };
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

/** A socket that is bound to all addresses has none of its own. */
const isWildcard = (host: string): boolean =>
  host === '0.0.0.0' || (isIP(host) === 6 && ['[::]', '[::ffff:0:0]'].includes(new URL(`http://[${host}]`).hostname));

function hasTransport(text: string): boolean {
  const { tcp, udp } = TRANSPORT.exec(text)?.groups ?? {};
  const port = tcp ?? udp;
  return port !== undefined && Number(port) <= 65_535;
}
