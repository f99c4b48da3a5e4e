import type { Contact, ContactDetail, ContactRequest } from './contacts.ts';
import type { Conversation, Message } from './messages.ts';
import type { Network, Node } from './node.ts';

/** Values for the examples of the table. They are checked against the schemas by tests. */
export const ALICE = '12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp';
export const BOB = '12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD';
const RELAY = '12D3KooWJ9Tq7oAbHqJdkJ1cSqUWuGzdFNyYHQ6mbSnKpXuTC2oR';
export const MESSAGE_ID = '0198c9f2-6d3c-7b51-9e0a-3f1c5d7e9a10';
export const TOKEN_ID = '5f0c1f9e-2f65-4f0a-9a5e-1f3b8d1c7a42';
export const LOG_ID = '0f8c1a52-6f1e-4a0b-9d55-2b6f0c3e7a91';
export const AT = 1_795_348_800_000;

export const NODE_EXAMPLE = {
  peerId: ALICE,
  name: 'Alice',
  version: '0.1.0',
  addresses: [`/ip4/192.0.2.7/tcp/7301/p2p/${ALICE}`],
  discoverable: true,
  startedAtUnixMs: AT,
  readOnly: false,
  lobby: true,
  encryption: 'passphrase',
  storage: { bytes: 5_242_880, databaseBytes: 5_000_000, freeBytes: 120_000_000_000 },
} as unknown as Node;

export const CONTACT_EXAMPLE = {
  peerId: BOB,
  name: 'Bob',
  status: 'accepted',
  theyAccepted: true,
  verified: false,
  keyChanged: false,
  presence: 'online',
  path: 'direct',
  lastSeenUnixMs: AT,
  addedAtUnixMs: AT,
} as unknown as Contact;

export const CONTACT_DETAIL_EXAMPLE = {
  ...CONTACT_EXAMPLE,
  addresses: [{ address: '/ip4/203.0.113.9/tcp/7301', source: 'peer', seenAtUnixMs: AT }],
} as unknown as ContactDetail;

export const REQUEST_EXAMPLE = {
  peerId: BOB,
  name: 'Bob',
  firstText: 'Hello, it is me.',
  receivedAtUnixMs: AT,
} as unknown as ContactRequest;

export const MESSAGE_EXAMPLE = {
  id: MESSAGE_ID,
  conversationId: BOB,
  direction: 'out',
  from: ALICE,
  text: 'See you at eight.',
  sentAtUnixMs: AT,
  state: 'queued',
  reason: 'no-path',
  recipients: [{ peerId: BOB, state: 'queued', reason: 'no-path', atUnixMs: AT }],
} as unknown as Message;

export const CONVERSATION_EXAMPLE = {
  id: BOB,
  kind: 'direct',
  name: 'Bob',
  public: false,
  unread: 2,
  muted: false,
  lastMessage: MESSAGE_EXAMPLE,
} as unknown as Conversation;

const relayAddress = `/ip4/198.51.100.4/tcp/4001/p2p/${RELAY}`;
export const RELAY_EXAMPLE = {
  address: relayAddress,
  peerId: RELAY,
  reservation: 'active',
  connected: true,
  expiresAtUnixMs: AT + 3_600_000,
} as const;
export const BOOTSTRAP_EXAMPLE = { address: relayAddress, peerId: RELAY, connected: true } as const;
export const NETWORK_EXAMPLE = {
  nat: 'endpoint-independent',
  addresses: [`/ip4/192.0.2.7/tcp/7301/p2p/${ALICE}`],
  listening: [`/ip4/192.0.2.7/tcp/7301/p2p/${ALICE}`],
  candidates: [
    {
      address: '/ip4/198.51.100.9/tcp/7301',
      source: 'observed',
      state: 'refuted',
      announced: false,
      checkedAtUnixMs: AT,
    },
  ],
  holePunching: { possible: 'yes', reason: 'the NAT keeps one outside port for all destinations' },
  portMapping: 'none',
  clock: { nowUnixMs: AT, jumpedForwardMs: 0, jumpedBackMs: 0, offsetMs: 12 },
  relays: [RELAY_EXAMPLE],
  bootstrap: [BOOTSTRAP_EXAMPLE],
  mdns: true,
  dht: { mode: 'client', peers: 1 },
  connections: 3,
  lobbySubscribers: 2,
} as unknown as Network;

export const DIAGNOSIS_EXAMPLE = {
  status: 'warn',
  checks: [
    { name: 'clock', status: 'ok', text: 'agrees with the clocks of peers' },
    {
      name: 'relays',
      status: 'warn',
      text: 'none is configured: only peers in the local network and at public addresses are reached',
      fix: 'p2pmsg net --add-relay /ip4/…/tcp/4001/p2p/12D3KooW…',
    },
  ],
} as const;

export const onePage = <T>(item: T) => ({ items: [item], next: null, prev: null });
