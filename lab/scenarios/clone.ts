import type { Daemon } from './adapter.ts';
import { copyHome, startDaemon, until } from './adapter.ts';
import type { Lab } from './harness.ts';
import { runAlone, scenario } from './harness.ts';
import { befriend, delivered, dialable, doubles, events, history, relayFor, send, tcp, twoDaemons } from './talk.ts';

const NOTICED_WITHIN_MS = 60_000;

/** Two copies of one data folder run at once: the earlier start becomes read-only, the later one goes on. */
export const clone = scenario({
  name: 'clone',
  what: 'two copies of one data folder run at once',
  async run(lab) {
    await twoCopies(lab, 'direct');
    await twoCopies(lab, 'relayed');
  },
});

async function twoCopies(whole: Lab, way: 'direct' | 'relayed'): Promise<void> {
  const lab: Lab = {
    ...whole,
    folder: `${whole.folder}/${way}`,
    check: (name, ok, d) => whole.check(`${way}: ${name}`, ok, d),
  };
  const relays = way === 'relayed' ? [await relayFor(lab)] : [];
  const pair = relays.length > 0 ? await overRelay(lab, relays) : await twoDaemons(lab);
  const { b } = pair;
  await befriend(pair.a, b);
  for (let n = 0; n < 3; n += 1) {
    await delivered(pair.a, (await send(pair.a, b, `before a${n}`)).id);
    await delivered(b, (await send(b, pair.a, `before b${n}`)).id);
  }
  await pair.a.stop();
  const other = `${pair.a.home}-copy`;
  copyHome(pair.a.home, other);
  const earlier = await startDaemon(lab, { home: pair.a.home, listen: [tcp(lab.address())], relays });
  const later = await startDaemon(lab, { home: other, listen: [tcp(lab.address())], relays });
  for (const one of [earlier, later]) await one.post('/v1/contacts', { address: dialable(b) });

  // Both meet B: each has something to send. B answers meanwhile.
  const accepted: { by: Daemon; id: string; text: string }[] = [];
  const met = performance.now();
  for (let n = 0; n < 3; n += 1)
    for (const [name, by] of [
      ['earlier', earlier],
      ['later', later],
      ['b', b],
    ] as const) {
      const text = `${name} ${n}`;
      const answer = await by.call('POST', `/v1/conversations/${by === b ? later.peerId : b.peerId}/messages`, {
        text,
      });
      if (answer.status === 202) accepted.push({ by, id: answer.body.id, text });
      else
        lab.check(
          `${name} takes a message or is read-only`,
          answer.status === 503 && answer.body.code === 'IDENTITY_IN_USE',
          answer,
        );
    }
  const readOnly = await until('one of the copies is read-only', NOTICED_WITHIN_MS, async () => {
    const states = await Promise.all([earlier, later].map(async one => (await one.get('/v1/node')).readOnly));
    return states.includes(true) ? states : null;
  }).catch(() => [false, false]);
  lab.check(
    'the earlier start is read-only, the later one is not',
    readOnly[0] === true && readOnly[1] === false,
    readOnly,
  );
  lab.figure(`${way}: noticed after ms`, Math.round(performance.now() - met));

  const refused = await earlier.call('POST', `/v1/conversations/${b.peerId}/messages`, { text: 'too late' });
  lab.check(
    'a read-only copy refuses messages',
    refused.status === 503 && refused.body.code === 'IDENTITY_IN_USE',
    refused,
  );
  const named = await earlier.call('PATCH', '/v1/node', { name: 'changed' });
  lab.check(
    'a read-only copy refuses other writes',
    named.status === 503 && named.body.code === 'IDENTITY_IN_USE',
    named,
  );
  lab.check('a read-only copy still answers reads', (await earlier.call('GET', '/v1/contacts')).status === 200);

  for (let n = 0; n < 3; n += 1) {
    for (const [by, to, text] of [
      [later, b, `after ${n}`],
      [b, later, `after b ${n}`],
    ] as const) {
      accepted.push({ by, text, id: (await send(by, to, text)).id });
    }
  }
  for (const { by, id, text } of accepted) {
    if (by === earlier) continue;
    await delivered(by, id, 60_000).then(
      () => undefined,
      async (error: Error) =>
        lab.check(`${text} is delivered`, false, [
          error.message,
          await by.get(`/v1/messages/${id}`),
          await by.get(`/v1/messages/${id}/trace`),
        ]),
    );
  }
  await until('published', 60_000, async () => {
    const [ofLater, ofB] = [await history(later, b), await history(b, later)];
    return accepted
      .filter(one => one.by !== earlier)
      .every(one => (one.by === b ? ofLater : ofB).some(each => each.text === one.text));
  }).catch(() => undefined);
  const [ofLater, ofB] = [await history(later, b), await history(b, later)];
  const lost = accepted.filter(
    one => one.by !== earlier && !(one.by === b ? ofLater : ofB).some(each => each.text === one.text),
  );
  lab.check(
    'no message is lost that the copy which goes on has accepted, nor one of B',
    lost.length === 0,
    lost.map(one => one.text),
  );
  lab.check(
    'no doubles',
    [doubles(ofB, 'in'), doubles(ofB, 'out'), doubles(ofLater, 'in'), doubles(ofLater, 'out')].every(
      list => list.length === 0,
    ),
  );
  const notices = await Promise.all([events(earlier, 'daemon.readOnly'), events(later, 'daemon.readOnly')]);
  lab.check('exactly one notice', notices[0]?.length === 1 && notices[1]?.length === 0, notices);
  const still = await Promise.all([earlier, later].map(async one => (await one.get('/v1/node')).readOnly));
  lab.check('it stays so', still[0] === true && still[1] === false, still);
  await Promise.all([earlier.stop(), later.stop(), b.stop()]);
}

const overRelay = async (lab: Lab, relays: readonly string[]): Promise<{ a: Daemon; b: Daemon }> => {
  const a = await startDaemon(lab, { home: `${lab.folder}/a`, listen: [tcp(lab.address())], name: 'a', relays });
  const b = await startDaemon(lab, { home: `${lab.folder}/b`, listen: [tcp(lab.address())], name: 'b', relays });
  return { a, b };
};

if (import.meta.main) await runAlone(clone);
