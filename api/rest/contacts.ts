import { z } from 'zod';
import { givenName, pathKind, peerIdOut, presenceState, unixMsOut } from './primitives.ts';

export const contact = z.object({
  peerId: peerIdOut,
  name: z.string(),
  status: z.enum(['accepted', 'blocked']),
  theyAccepted: z.union([z.boolean(), z.literal('unknown')]),
  verified: z.union([z.boolean(), z.literal('invite')]),
  /** A key of this contact that is not accepted yet: nothing is sent until `accept-key`. */
  keyChanged: z.boolean(),
  presence: presenceState,
  path: pathKind.optional(),
  lastSeenUnixMs: unixMsOut.optional(),
  addedAtUnixMs: unixMsOut,
  inviteId: z.string().meta({ description: 'the own invite by which this contact came' }).optional(),
  inviteNote: z.string().optional(),
  quarantined: z
    .literal(true)
    .meta({ description: 'blocked because its invite was taken back; `unblock` lets it in again' })
    .optional(),
});
export type Contact = z.output<typeof contact>;

/** Where a contact was or is said to be, newest first; `source`: who said it. Nobody but the contact proves it. */
export const contactAddress = z.object({
  address: z.string(),
  source: z.enum(['user', 'invite', 'peer', 'dht']).meta({
    description: 'the user, an invite, the contact itself over a connection, or its signed record in the DHT',
  }),
  seenAtUnixMs: unixMsOut,
});
export const contactDetail = contact.extend({ addresses: z.array(contactAddress) });
export type ContactDetail = z.output<typeof contactDetail>;

export const contactRequest = z.object({
  peerId: peerIdOut,
  name: z.string(),
  firstText: z.string().optional(),
  safetyNumber: z.string().optional(),
  receivedAtUnixMs: unixMsOut,
});
export type ContactRequest = z.output<typeof contactRequest>;

export const safetyNumber = z.object({
  digits: z.string().length(60),
  qr: z.string().meta({ description: "base64url of libsignal's scannable fingerprint" }),
});
export type SafetyNumber = z.output<typeof safetyNumber>;

export const invite = z.object({
  id: z.string(),
  expiresAtUnixMs: unixMsOut,
  usesLeft: z.number().int(),
  usesTotal: z.number().int(),
  contacts: z.number().int().meta({ description: 'contacts that came by it and are still there' }),
  note: z.string().optional(),
  createdAtUnixMs: unixMsOut,
});
export type Invite = z.output<typeof invite>;
/** The link is in the first answer only: only the hash of its token is stored. */
export const inviteCreated = invite.extend({ invite: z.string() });
export type InviteCreated = z.output<typeof inviteCreated>;

export const contactInput = z.strictObject({
  address: z
    .string()
    .min(1)
    .max(4096)
    .meta({ description: 'a PeerId, a multiaddr that ends in /p2p/<PeerId>, or an invite' }),
  name: givenName.optional(),
});
export const inviteRemoval = z.strictObject({
  contacts: z
    .literal('quarantine')
    .meta({ description: 'blocks everybody who came by it, until `unblock`' })
    .optional(),
});
export const contactPatch = z.strictObject({ name: givenName.optional() });
export const contactRemoval = z.strictObject({ history: z.literal('delete').optional() });
export const verification = z.strictObject({ verified: z.boolean().default(true) });
export const requestAcceptance = z.strictObject({ name: givenName.optional() });

export const INVITE_SECONDS = 604_800;
export const inviteInput = z.strictObject({
  expiresInSeconds: z.number().int().min(1).max(31_536_000).default(INVITE_SECONDS),
  uses: z.number().int().min(1).max(1000).default(1),
  note: z.string().max(256).optional(),
});
