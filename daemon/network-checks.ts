import type { Network } from '#api/rest/node';
import type { Check } from './doctor.ts';

const CLOCK_WARN_MS = 60_000;
const ADD_RELAY = 'p2pmsg net --add-relay /ip4/…/tcp/4001/p2p/12D3KooW…';

/** What `doctor` asks of the network: each a question that a person has. */
export function networkChecks(read: () => Network): Check[] {
  return [
    { name: 'clock', look: () => clock(read()) },
    { name: 'listening', look: () => listening(read()) },
    { name: 'reachable', look: () => reachable(read()) },
    { name: 'relays', look: () => relays(read()) },
    {
      name: 'hole punching',
      look() {
        const { holePunching, nat } = read();
        const status = holePunching.possible === 'no' ? ('warn' as const) : ('ok' as const);
        return { status, text: `${holePunching.possible} (NAT ${nat}): ${holePunching.reason}` };
      },
    },
    {
      name: 'local network',
      look() {
        const { mdns } = read();
        if (mdns) return { status: 'ok', text: 'mDNS looks for peers' };
        return { status: 'ok', text: 'mDNS is off: peers in the local network are not found by themselves' };
      },
    },
    { name: 'peers', look: () => peers(read()) },
  ];
}

type Answer = ReturnType<Check['look']>;

function clock({ clock: { offsetMs, jumpedBackMs } }: Network): Answer {
  if (offsetMs !== undefined && Math.abs(offsetMs) > CLOCK_WARN_MS)
    return {
      status: 'warn',
      text: `peers are ${seconds(Math.abs(offsetMs))} ${offsetMs > 0 ? 'ahead' : 'behind'}; times that are shown are wrong`,
      fix: 'let the system keep its time by NTP (timedatectl set-ntp true)',
    };
  if (jumpedBackMs > CLOCK_WARN_MS)
    return { status: 'warn', text: `was set back by ${seconds(jumpedBackMs)} since the start` };
  return { status: 'ok', text: offsetMs === undefined ? 'no peer to compare with' : 'agrees with the clocks of peers' };
}

function listening({ listening: at, portMapping }: Network): Answer {
  if (at.length === 0)
    return { status: 'ok', text: 'on no port, as configured: outgoing connections and circuits only' };
  const router = {
    off: '',
    searching: '',
    none: ', no router that maps ports',
    'nat-pmp': ', mapped by the router',
    upnp: ', mapped by the router',
  };
  return { status: 'ok', text: `on ${at.length} addresses${router[portMapping]}` };
}

function reachable({ candidates, relays: all }: Network): Answer {
  const verified = candidates.filter(({ state, announced }) => announced && state === 'verified');
  if (verified.length > 0) return { status: 'ok', text: `from everywhere, at ${verified.length} addresses` };
  const held = all.filter(({ reservation }) => reservation === 'active').length;
  if (held > 0) return { status: 'ok', text: `by ${held} relays` };
  if (candidates.some(({ announced }) => announced))
    return { status: 'warn', text: 'perhaps: no relay has tried to dial the public address yet', fix: ADD_RELAY };
  return { status: 'warn', text: 'only in the local network', fix: `add a relay: ${ADD_RELAY}` };
}

function relays({ relays: all }: Network): Answer {
  if (all.length === 0)
    return {
      status: 'warn',
      text: 'none is configured: only peers in the local network and at public addresses are reached',
      fix: ADD_RELAY,
    };
  const held = all.filter(({ reservation }) => reservation === 'active').length;
  const faults = all.flatMap(({ peerId, lastError }) => (lastError ? [`${peerId.slice(-6)} ${lastError}`] : []));
  const text = [`${held} of ${all.length} hold a reservation`, ...faults].join('; ');
  if (held === 0) return { status: 'fail', text, fix: 'look at the relay and at its address, or add another one' };
  return { status: faults.length > 0 ? 'warn' : 'ok', text };
}

function peers({ connections, lobbySubscribers }: Network): Answer {
  const text = `${connections} connections, ${lobbySubscribers} listen in the lobby`;
  return connections > 0
    ? { status: 'ok', text }
    : { status: 'warn', text, fix: 'add a relay, a bootstrap node or a contact' };
}

const seconds = (ms: number): string => `${Math.round(ms / 1_000)} s`;
