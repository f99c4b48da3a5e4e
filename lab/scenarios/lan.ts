import { missingFor } from '../net/command.ts';
import { openSwitch } from '../net/switch.ts';
import { startDaemon, until } from './adapter.ts';
import { runAlone, scenario } from './harness.ts';
import { delivered, history, send } from './talk.ts';

/** Two machines on one network without a relay or the Internet: a PeerId is enough. */
export const lan = scenario({
  name: 'lan',
  what: 'two hosts on one network, found by mDNS alone, no relay',
  needsRoot: true,
  missing: () => missingFor(),
  async run(lab) {
    await using network = await openSwitch(lab, 2);
    const [a, b] = await Promise.all(
      network.hosts.map(({ namespace }, at) =>
        startDaemon(lab, {
          home: `${lab.folder}/host${at}`,
          listen: ['/ip4/0.0.0.0/tcp/0'],
          name: `host${at}`,
          mdns: true,
          namespace,
        }),
      ),
    );
    if (!a || !b) throw new Error('no daemons');
    const from = performance.now();
    await a.post('/v1/contacts', { address: b.peerId });
    const first = await send(a, b, 'hello, LAN');
    await until('a request', 60_000, async () => (await b.get('/v1/requests')).items.length > 0);
    await b.post(`/v1/requests/${a.peerId}/accept`, {});
    const one = await delivered(a, first.id, 60_000).catch(() => null);
    lab.check('a message is delivered', one !== null);
    lab.figure('first message delivered after ms', Math.round(performance.now() - from));
    const answer = await send(b, a, 'hello back');
    lab.check('and answered', (await delivered(b, answer.id, 60_000).catch(() => null)) !== null);
    await until('published', 60_000, async () => (await history(a, b)).some(({ text }) => text === 'hello back')).catch(
      () => undefined,
    );
    lab.check(
      'the answer is in the history, once',
      (await history(a, b)).filter(({ text }) => text === 'hello back').length === 1,
    );
    for (const [of, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const contact = await of.get(`/v1/contacts/${other.peerId}`);
      lab.check(
        `${of === a ? 'the first' : 'the second'} host shows the path lan`,
        contact.path === 'lan' && contact.presence === 'online',
        contact,
      );
    }
    const { attempts } = await b.get(`/v1/messages/${answer.id}/trace`);
    lab.check('the trace says lan', attempts.at(-1)?.path === 'lan' && attempts.at(-1)?.outcome === 'acked', attempts);
    const { relays, mdns } = await a.get('/v1/network');
    lab.check('no relay is configured, mDNS is on', relays.length === 0 && mdns === true, { relays, mdns });
    // Without a contact: a third machine's list is filled by the lobby over the same network.
    const seen = await until('in the list', 60_000, async () =>
      (await b.get('/v1/peers')).items.find((peer: { peerId: string }) => peer.peerId === a.peerId),
    ).catch(() => null);
    lab.check(
      'the list of peers has the other one',
      (seen as { presence?: string } | null)?.presence === 'online',
      seen,
    );
  },
});

if (import.meta.main) await runAlone(lan);
