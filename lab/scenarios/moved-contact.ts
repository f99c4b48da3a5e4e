import type { Daemon } from './adapter.ts';
import { sleep, startDaemon, startRelay, until } from './adapter.ts';
import type { Lab } from './harness.ts';
import { runAlone, scenario } from './harness.ts';
import { befriend, delivered, dialable, history, send, stateOf, tcp } from './talk.ts';

/** So long nothing may come through while the DHT is off: whatever delivers in it makes the rest no proof. */
const CONTROL_MS = 8_000;
const FOUND_MS = 45_000;

/**
 * Two contacts have both moved, their relay is gone for good, and neither knows where the other one is. One node of the
 * DHT is left, and it carries no messages: it has no relay.
 */
export const movedContact = scenario({
  name: 'moved-contact',
  what: 'both contacts at new addresses, all relays gone, one DHT node alive: found and delivered',
  async run(lab) {
    const relay = await startRelay(lab, { home: `${lab.folder}/relay`, listen: [tcp(lab.address())] });
    const relays = [relay.addresses.find(one => one.includes('/tcp/')) ?? ''];
    const asked = await startDaemon(lab, {
      home: `${lab.folder}/asked`,
      listen: [tcp(lab.address())],
      name: 'asked',
      args: ['--dht', 'server'],
    });
    const bootstrap = ['--bootstrap', dialable(asked)];

    let [a, b] = await start(lab, { relays, args: bootstrap });
    await befriend(a, b);
    await a.stop();
    await b.stop();
    await relay.stop('SIGKILL');

    [a, b] = await start(lab, { relays, args: [...bootstrap, '--dht', 'off'] });
    const there = await send(a, b, 'are you there?');
    const back = await send(b, a, 'where are you?');
    await sleep(CONTROL_MS);
    const states = [(await stateOf(a, there.id)).state, (await stateOf(b, back.id)).state];
    lab.check('without the DHT neither is found', !states.includes('delivered'), states);
    await a.stop();
    await b.stop();

    [a, b] = await start(lab, { relays, args: bootstrap });
    const from = performance.now();
    const both = await Promise.all([
      delivered(a, there.id, FOUND_MS).catch(() => null),
      delivered(b, back.id, FOUND_MS).catch(() => null),
    ]);
    lab.check('with it both messages are delivered', !both.includes(null), both);
    lab.figure('delivered after ms', Math.round(performance.now() - from));
    const texts = (await history(b, a)).map(({ text }) => text);
    lab.check('once each', texts.filter(text => text === 'are you there?').length === 1, texts);

    const contact = await a.get(`/v1/contacts/${b.peerId}`);
    lab.check('over a connection of their own', contact.path === 'lan' || contact.path === 'direct', contact);
    const peers = await until('a DHT node', 60_000, async () => {
      const { dht } = (await a.get('/v1/network')) as unknown as { dht: { mode: string; peers: number } };
      return dht.peers > 0 ? dht : null;
    }).catch(() => null);
    lab.check('the API shows the DHT', peers?.mode === 'client', peers);
  },
});

/** Both daemons on their old homes, at addresses that they never had. */
async function start(
  lab: Lab,
  options: { relays: readonly string[]; args: readonly string[] },
): Promise<[Daemon, Daemon]> {
  const one = (name: string): Promise<Daemon> =>
    startDaemon(lab, { home: `${lab.folder}/${name}`, listen: [tcp(lab.address())], name, ...options });
  return Promise.all([one('a'), one('b')]);
}

if (import.meta.main) await runAlone(movedContact);
