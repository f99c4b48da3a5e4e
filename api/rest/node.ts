import { z } from 'zod';
import { givenName, pathKind, peerIdOut, presenceState, unixMsOut } from './primitives.ts';

export const node = z.object({
  peerId: peerIdOut,
  name: z.string(),
  version: z.string(),
  addresses: z.array(z.string()),
  discoverable: z.boolean(),
  startedAtUnixMs: unixMsOut,
  /** Set when another live daemon runs with this identity: nothing can be sent from here. */
  readOnly: z.boolean(),
  lobby: z.boolean(),
  encryption: z
    .enum(['none', 'credential', 'keyring', 'passphrase', 'file'])
    .meta({ description: 'where the key of the data folder came from; none: it is not encrypted' }),
  storage: z
    .object({
      bytes: z.number().int().meta({ description: 'history, search index, backups and keys' }),
      databaseBytes: z.number().int(),
      freeBytes: z.number().int().meta({ description: 'what the disk has left' }),
    })
    .optional(),
  safety: z
    .object({ ratchetIdentity: z.string().meta({ description: 'hex of the own ratchet identity key' }) })
    .optional(),
});
export type Node = z.output<typeof node>;

export const peer = z.object({
  peerId: peerIdOut,
  name: z.string().optional(),
  presence: presenceState,
  path: pathKind.optional(),
  rttMs: z.number().optional(),
  lastSeenUnixMs: unixMsOut.optional(),
  agent: z.string().optional(),
  relay: peerIdOut.meta({ description: 'the relay of a relayed path' }).optional(),
  bytesIn: z
    .number()
    .int()
    .meta({ description: 'carried with this peer since the daemon started, without TCP/IP headers' })
    .optional(),
  bytesOut: z.number().int().optional(),
  pathNote: z.string().meta({ description: 'why no better path is used, in words for people' }).optional(),
});
export type Peer = z.output<typeof peer>;

export const pingResult = z.object({
  peerId: peerIdOut,
  rttMs: z.number(),
  path: pathKind,
  relay: peerIdOut.optional(),
  upgraded: z.boolean().meta({ description: 'this path took the place of a relayed one' }),
  pathNote: z.string().optional(),
});
export type PingResult = z.output<typeof pingResult>;

export const relayState = z.object({
  address: z.string(),
  peerId: peerIdOut,
  reservation: z.enum(['active', 'pending', 'lost']),
  connected: z.boolean(),
  nextTryUnixMs: unixMsOut.optional(),
  expiresAtUnixMs: unixMsOut.optional(),
  lastError: z.string().optional(),
});
export type RelayState = z.output<typeof relayState>;

export const bootstrapState = z.object({ address: z.string(), peerId: peerIdOut, connected: z.boolean() });
export type BootstrapState = z.output<typeof bootstrapState>;

/** A public address by which the daemon may be reached without a relay. */
export const ownAddress = z.object({
  address: z.string(),
  source: z
    .enum(['interface', 'upnp', 'observed'])
    .meta({ description: 'of this machine; mapped by the router; as relays see it' }),
  state: z.enum(['verified', 'unverified', 'refuted']).meta({ description: 'by a relay that dialled back' }),
  announced: z.boolean(),
  checkedAtUnixMs: unixMsOut.optional(),
});

export const network = z.object({
  nat: z.enum(['unknown', 'public', 'private', 'endpoint-independent', 'address-dependent']).meta({
    description:
      'public: no NAT; private: behind one of which no more is known; endpoint-independent: one outside port for all destinations, holes can be punched; address-dependent: another port for each destination',
  }),
  addresses: z.array(z.string()).meta({ description: 'as others are told' }),
  listening: z.array(z.string()),
  candidates: z.array(ownAddress),
  holePunching: z.object({ possible: z.enum(['yes', 'no', 'unknown']), reason: z.string() }),
  portMapping: z
    .enum(['off', 'searching', 'none', 'nat-pmp', 'upnp'])
    .meta({ description: 'the router that maps ports for us; off also where no port is open' }),
  clock: z.object({
    nowUnixMs: unixMsOut,
    jumpedForwardMs: z.number().int().meta({ description: 'since the start; sleep counts too' }),
    jumpedBackMs: z.number().int(),
    offsetMs: z
      .number()
      .int()
      .meta({ description: 'by how much the clocks of peers are ahead, their median' })
      .optional(),
  }),
  relays: z.array(relayState),
  bootstrap: z.array(bootstrapState),
  mdns: z.boolean(),
  /** Kademlia; `peers`: nodes that can be asked where a contact is. */
  dht: z.object({ mode: z.enum(['off', 'client', 'server']), peers: z.number().int() }),
  connections: z.number().int(),
  lobbySubscribers: z.number().int(),
});
export type Network = z.output<typeof network>;

export const nodePatch = z.strictObject({ name: givenName.optional(), discoverable: z.boolean().optional() });
/** The address of a relay or bootstrap node: a multiaddr that ends in /p2p/<PeerId>. */
export const addressInput = z.strictObject({ address: z.string().min(1).max(1024) });

/** One thing that `doctor` looked at. */
export const finding = z.object({
  name: z.string(),
  status: z.enum(['ok', 'warn', 'fail']),
  text: z.string(),
  fix: z.string().meta({ description: 'what to do about it' }).optional(),
});
export type Finding = z.output<typeof finding>;
export const diagnosis = z.object({ status: z.enum(['ok', 'warn', 'fail']), checks: z.array(finding) });
export type Diagnosis = z.output<typeof diagnosis>;

export const about = z.object({
  name: z.literal('p2pmsgd'),
  version: z.string(),
  licence: z.literal('AGPL-3.0-only'),
  commit: z.string().meta({ description: 'commit of the source this was built from, or `unknown`' }),
  source: z.string().meta({ description: 'where the source of this version is' }),
});
export type About = z.output<typeof about>;

export const health = z.object({ status: z.literal('ok') });
/** `degraded` is for trouble outside this machine (relays): the daemon takes messages all the same. */
export const readiness = z.object({
  status: z.enum(['ready', 'degraded']),
  degraded: z.array(z.string()).optional(),
});
