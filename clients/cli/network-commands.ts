import { dataOf } from '#api/rest/client';
import type { Network } from './api.ts';
import { allOf, contactsOf, requestsOf } from './api.ts';
import type { Cli } from './command.ts';
import { shortId } from './contact-commands.ts';
import { diagnosticCommands, relayLine } from './diagnostic-commands.ts';
import { facts } from './facts.ts';
import type { Output } from './output.ts';
import { shortTime } from './output.ts';
import { oneLine } from './terminal-text.ts';

export function networkCommands(cli: Cli): void {
  cli.command('status', 'who am I, am I reachable, what is new', 'p2pmsg status').action(() =>
    cli.run(async ({ api, out }) => {
      const [node, network, conversations, contacts, requests] = await Promise.all([
        dataOf(api.client.GET('/v1/node')),
        dataOf(api.client.GET('/v1/network')),
        allOf(query => api.client.GET('/v1/conversations', { params: { query } })),
        contactsOf(api),
        requestsOf(api),
      ]);
      const unread = conversations.reduce((sum, conversation) => sum + conversation.unread, 0);
      const online = contacts.filter(contact => contact.presence === 'online').length;
      const relays = network.relays.filter(relay => relay.reservation === 'active').length;
      const lines = [
        ['You are', `${oneLine(node.name)} ${node.peerId}`],
        ['Version', `${oneLine(node.version)}, up since ${shortTime(node.startedAtUnixMs)}`],
        ['Contacts', `${contacts.length}, ${online} online, ${requests.length} asking`],
        ['Unread', String(unread)],
        [
          'Network',
          `NAT ${network.nat}, ${relays} of ${network.relays.length} relays, ${network.connections} connections`,
        ],
        ['At rest', node.encryption === 'none' ? 'not encrypted' : `encrypted: ${node.encryption}`],
        ...(node.storage
          ? [['Disk', `${megabytes(node.storage.bytes)}, ${megabytes(node.storage.freeBytes)} free`]]
          : []),
        ...(node.readOnly ? [['Warning', 'another daemon runs with this identity; this one cannot send']] : []),
      ];
      out.result(
        { ...node, network, contacts: contacts.length, online, requests: requests.length, unread },
        facts(lines, out),
      );
    }),
  );

  cli.command('peers', 'list peers seen in the lobby and in the network', 'p2pmsg peers').action(() =>
    cli.run(async ({ api, out }) => {
      out.table(
        await allOf(query => api.client.GET('/v1/peers', { params: { query } })),
        [
          { title: 'NAME', value: peer => peer.name ?? '', shrink: true },
          { title: 'PRESENCE', value: peer => peer.presence },
          { title: 'PATH', value: peer => peer.path ?? '' },
          { title: 'RTT', value: peer => (peer.rttMs === undefined ? '' : `${Math.round(peer.rttMs)} ms`) },
          { title: 'SEEN', value: peer => (peer.lastSeenUnixMs === undefined ? '' : shortTime(peer.lastSeenUnixMs)) },
          { title: 'PEER', value: peer => shortId(peer.peerId) },
        ],
        'No peers seen yet.',
      );
    }),
  );

  const net = cli
    .command(
      'net',
      'show and change relays and bootstrap nodes',
      'p2pmsg net --add-relay /ip4/203.0.113.7/tcp/4001/p2p/12D3KooW…',
    )
    .option('--add-relay <multiaddr>', 'be reachable through this relay')
    .option('--remove-relay <peer>', 'no longer use this relay')
    .option('--add-bootstrap <multiaddr>', 'connect to this peer at the start')
    .option('--remove-bootstrap <peer>', 'no longer connect to it')
    .option('--check', 'look at relays and addresses anew, now')
    .action((options: NetOptions) =>
      cli.run(async ({ api, out }) => {
        const { addRelay, addBootstrap, removeRelay, removeBootstrap } = options;
        const to = (address: string) => ({ body: { address } });
        const of = (peerId: string) => ({ params: { path: { peerId } } });
        if (addRelay) await dataOf(api.client.POST('/v1/network/relays', to(addRelay)));
        if (addBootstrap) await dataOf(api.client.POST('/v1/network/bootstrap', to(addBootstrap)));
        if (removeRelay) await dataOf(api.client.DELETE('/v1/network/relays/{peerId}', of(removeRelay)));
        if (removeBootstrap) await dataOf(api.client.DELETE('/v1/network/bootstrap/{peerId}', of(removeBootstrap)));
        const network = await dataOf(
          options.check ? api.client.POST('/v1/network/check') : api.client.GET('/v1/network'),
        );
        out.result(network, networkText(network, out));
      }),
    );
  diagnosticCommands(cli, net);
}

interface NetOptions {
  readonly addRelay?: string;
  readonly removeRelay?: string;
  readonly addBootstrap?: string;
  readonly removeBootstrap?: string;
  readonly check?: boolean;
}

function networkText(network: Network, out: Output): string {
  const relays = network.relays.map(relayLine);
  const bootstrap = network.bootstrap.map(peer => [
    'Bootstrap',
    `${peer.connected ? 'connected' : 'not connected'}  ${oneLine(peer.address)}`,
  ]);
  return facts(
    [
      ['NAT', network.nat],
      ['Connections', String(network.connections)],
      ['Lobby', `${network.lobbySubscribers} listening`],
      ['mDNS', network.mdns ? 'on' : 'off'],
      ['DHT', network.dht.mode === 'off' ? 'off' : `${network.dht.mode}, ${network.dht.peers} nodes to ask`],
      ...relays,
      ...bootstrap,
      ...network.addresses.map(address => ['Address', oneLine(address)]),
    ],
    out,
  );
}

const megabytes = (bytes: number): string =>
  bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;
