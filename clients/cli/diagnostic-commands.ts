import type { Command } from 'commander';
import { dataOf } from '#api/rest/client';
import type { Network } from './api.ts';
import type { Cli } from './command.ts';
import { shortId } from './contact-commands.ts';
import { CliFailure, EXIT } from './failure.ts';
import { facts } from './facts.ts';
import type { Output } from './output.ts';
import { shortTime } from './output.ts';
import { oneLine } from './terminal-text.ts';
import { contactId } from './who.ts';

/** Relays that do not answer, and dial-backs, take their time. */
const CHECK_MS = 45_000;

/** Commands for "why does it not work". `net` is the command that `check` belongs to. */
export function diagnosticCommands(cli: Cli, net: Command): void {
  cli
    .command('check', 'look at relays and addresses anew and say who can reach this daemon', 'p2pmsg net check', net)
    .action(() =>
      cli.run(
        async ({ api, out }) => {
          const network = await dataOf(api.client.POST('/v1/network/check'));
          out.result(network, checkText(network, out));
        },
        { atLeastMs: CHECK_MS },
      ),
    );

  cli
    .command('ping <who>', 'measure the round trip to a peer, on the path that messages take', 'p2pmsg ping Bob')
    .action((who: string) =>
      cli.run(async ({ api, out }) => {
        const peerId = await contactId(api, who);
        const ping = await dataOf(api.client.POST('/v1/peers/{peerId}/ping', { params: { path: { peerId } } }));
        const relay = ping.relay === undefined ? '' : ` through ${shortId(ping.relay)}`;
        const upgraded = ping.upgraded ? ', upgraded from a relayed one' : '';
        const note = ping.pathNote === undefined ? '' : ` (${oneLine(ping.pathNote)})`;
        out.result(ping, `${ping.rttMs.toFixed(1)} ms, ${ping.path}${relay}${upgraded}${note}`);
      }),
    );

  cli.command('doctor', 'what is well, what is not, and what to do about it', 'p2pmsg doctor').action(() =>
    cli.run(async ({ api, out }) => {
      const diagnosis = await dataOf(api.client.GET('/v1/doctor'));
      const lines = diagnosis.checks.flatMap(({ name, status, text, fix }) => [
        `${out.bold(status.padEnd(5))}${name}: ${oneLine(text)}`,
        ...(fix === undefined || status === 'ok' ? [] : [`     → ${oneLine(fix)}`]),
      ]);
      out.result(diagnosis, lines.join('\n'));
      const failed = diagnosis.checks.filter(({ status }) => status === 'fail').length;
      if (failed > 0) throw new CliFailure(EXIT.failed, `${failed} of ${diagnosis.checks.length} checks failed`);
    }),
  );
}

function checkText(network: Network, out: Output): string {
  const { clock, holePunching } = network;
  const jumps = [
    ...(clock.jumpedForwardMs > 0 ? [`${Math.round(clock.jumpedForwardMs / 1_000)} s forward or asleep`] : []),
    ...(clock.jumpedBackMs > 0 ? [`${Math.round(clock.jumpedBackMs / 1_000)} s back`] : []),
  ];
  const clockText = [
    shortTime(clock.nowUnixMs),
    clock.offsetMs === undefined ? 'no peer to compare with' : `peers differ by ${clock.offsetMs} ms`,
    ...(jumps.length > 0 ? [`jumped ${jumps.join(', ')}`] : []),
  ].join(', ');
  return facts(
    [
      ...network.listening.map(address => ['Listens', oneLine(address)]),
      ...(network.listening.length === 0 ? [['Listens', 'on no port']] : []),
      ...network.candidates.map(({ address, source, state, announced }) => [
        'Public',
        `${oneLine(address)}  ${source}, ${state}, ${announced ? 'announced' : 'not announced'}`,
      ]),
      ['NAT', network.nat],
      ['Hole punch', `${holePunching.possible}: ${oneLine(holePunching.reason)}`],
      ['Router', network.portMapping],
      ...(network.relays.length === 0 ? [['Relay', 'none']] : network.relays.map(relayLine)),
      ['mDNS', network.mdns ? 'on' : 'off'],
      ['Clock', clockText],
      ['Peers', `${network.connections} connections, ${network.lobbySubscribers} listen in the lobby`],
    ],
    out,
  );
}

/** Reservation, when it is tried again, why it failed. */
export function relayLine(relay: Network['relays'][number]): string[] {
  const next = relay.nextTryUnixMs === undefined ? '' : `, next try ${shortTime(relay.nextTryUnixMs)}`;
  const error = relay.lastError === undefined ? '' : `, ${oneLine(relay.lastError)}`;
  return ['Relay', `${relay.reservation}${next}${error}  ${oneLine(relay.address)}`];
}
