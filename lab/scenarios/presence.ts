import { startDaemon, until } from './adapter.ts';
import { startStopwatch } from '../stopwatch.ts';
import { runAlone, scenario } from './harness.ts';
import { befriend, events, relayFor } from './talk.ts';

const SEEN_WITHIN_MS = 2_000;

/** Two fresh daemons at one relay see each other; after kill -9 the other one is away, then offline. */
export const presence = scenario({
  name: 'presence',
  what: 'peers at one relay see each other come and go',
  async run(lab) {
    const relays = [await relayFor(lab)];
    const [a, b] = await Promise.all(
      ['a', 'b'].map(name => startDaemon(lab, { home: `${lab.folder}/${name}`, listen: ['none'], name, relays })),
    );
    if (!a || !b) throw new Error('no daemons');
    const active = await Promise.all(
      [a, b].map(one =>
        until(
          'an active reservation',
          60_000,
          async () => {
            const { relays: states } = await one.get('/v1/network');
            return states.some((state: { reservation: string }) => state.reservation === 'active')
              ? performance.now()
              : null;
          },
          25,
        ),
      ),
    );
    const from = Math.max(...active);
    const watch = startStopwatch();
    const seen = await Promise.all(
      [
        [a, b],
        [b, a],
      ].map(([one, other]) =>
        until(
          'the other one online',
          60_000,
          async () => {
            const { items } = (await one?.get('/v1/peers')) ?? { items: [] };
            return items.some(
              (peer: { peerId: string; presence: string }) =>
                peer.peerId === other?.peerId && peer.presence === 'online',
            )
              ? { atMs: performance.now(), ownMs: Math.round(watch.ownMs()) }
              : null;
          },
          25,
        ),
      ),
    );
    const tookMs = seen.map(({ atMs }) => Math.round(atMs - from));
    lab.figure('seen after ms', tookMs);
    lab.check(
      'both see each other within 2 s of their reservations',
      seen.every(({ ownMs }) => ownMs <= SEEN_WITHIN_MS),
      seen,
    );
    const relayId = relays[0]?.split('/p2p/')[1];
    lab.check(
      'the relay is not shown as a peer',
      !(await a.get('/v1/peers')).items.some((peer: { peerId: string }) => peer.peerId === relayId),
    );

    const address = `${relays[0]}/p2p-circuit/p2p/${b.peerId}`;
    await befriend(a, b, address);
    await until(
      'a contact that is online',
      60_000,
      async () => (await a.get(`/v1/contacts/${b.peerId}`)).presence === 'online',
    );
    const { head } = await a.get('/v1/events?after=head');
    const killed = Date.now();
    const sinceKilled = startStopwatch();
    await b.stop('SIGKILL');
    const types = 'peer.away,peer.offline,peer.online';
    const changes = await until(
      'peer.offline',
      80_000,
      async () => {
        const all = (await events(a, types, head)).filter(one => one.data.peerId === b.peerId);
        return all.some(one => one.type === 'peer.offline') ? all : null;
      },
      500,
    );
    const kinds = changes.map(one => one.type);
    lab.check('away, then offline', kinds.join(' ') === 'peer.away peer.offline', kinds);
    const [away, offline] = [
      changes.find(one => one.type === 'peer.away'),
      changes.find(one => one.type === 'peer.offline'),
    ];
    const [awayMs, silentMs] = [
      (away?.atUnixMs ?? 0) - killed,
      (offline?.atUnixMs ?? 0) - (offline?.data.lastSeenUnixMs ?? 0),
    ];
    const queuedMs = sinceKilled.wallMs() - sinceKilled.ownMs();
    lab.figure('away and offline after ms', [awayMs, silentMs]);
    lab.check('away at once (relayed: within 30 s)', awayMs >= 0 && awayMs - queuedMs < 30_000, { awayMs, queuedMs });
    lab.check('offline after 45 to 61 s of silence', silentMs >= 45_000 && silentMs - queuedMs <= 61_000, {
      silentMs,
      queuedMs,
    });
    lab.check('the list says offline too', (await a.get(`/v1/contacts/${b.peerId}`)).presence === 'offline');
  },
});

if (import.meta.main) await runAlone(presence);
