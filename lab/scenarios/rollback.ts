import { renameSync, rmSync } from 'node:fs';
import type { Daemon } from './adapter.ts';
import { copyHome, startDaemon, until } from './adapter.ts';
import type { Lab } from './harness.ts';
import { runAlone, scenario } from './harness.ts';
import { befriend, delivered, doubles, events, history, send, tcp, twoDaemons } from './talk.ts';

type Way = 'mixed' | 'onlyAToB' | 'onlyBToA';
const MESSAGES = 20;

/** A data folder is put back to an earlier state: noticed at the next contact, before anything is sealed. */
export const rollback = scenario({
  name: 'rollback',
  what: 'a data folder is put back to an earlier state',
  async run(lab) {
    for (const way of ['mixed', 'onlyAToB', 'onlyBToA'] as const) await putBack(lab, way);
  },
});

async function putBack(whole: Lab, way: Way): Promise<void> {
  const lab: Lab = {
    ...whole,
    folder: `${whole.folder}/${way}`,
    check: (name, ok, d) => whole.check(`${way}: ${name}`, ok, d),
  };
  const hostOfA = lab.address();
  const first = await twoDaemons({
    ...lab,
    address: (() => {
      let n = 0;
      return () => (n++ === 0 ? hostOfA : lab.address());
    })(),
  });
  const b = first.b;
  let a = first.a;
  const startA = (): Promise<Daemon> => startDaemon(lab, { home: a.home, listen: [tcp(hostOfA)], name: 'a' });
  await befriend(a, b);
  for (let n = 0; n < 3; n += 1) {
    await delivered(a, (await send(a, b, `before a${n}`)).id);
    await delivered(b, (await send(b, a, `before b${n}`)).id);
  }
  await a.stop();
  copyHome(a.home, `${a.home}.copy`);
  a = await startA();

  const lost = { a: [] as string[], b: [] as string[] };
  for (let n = 0; n < MESSAGES; n += 1) {
    const fromA = way === 'onlyAToB' || (way === 'mixed' && lab.random() < 0.5);
    const text = `lost ${way} ${n}`;
    const { id } = fromA ? await send(a, b, text) : await send(b, a, text);
    await delivered(fromA ? a : b, id);
    lost[fromA ? 'a' : 'b'].push(text);
  }
  const log = (await a.get('/v1/events?after=head')) as unknown as { logId: string; head: number };
  const healedBefore = (await events(b, 'message.healed')).length;
  await a.stop('SIGKILL');
  rmSync(a.home, { recursive: true });
  renameSync(`${a.home}.copy`, a.home);
  a = await startA();

  const started = performance.now();
  const later: { from: Daemon; id: string; text: string }[] = [];
  for (let n = 0; n < 5; n += 1) {
    later.push({ from: a, text: `later a${n}`, id: (await send(a, b, `later a${n}`)).id });
    later.push({ from: b, text: `later b${n}`, id: (await send(b, a, `later b${n}`)).id });
  }
  for (const { from, id, text } of later)
    await delivered(from, id, 60_000).then(
      () => lab.check(`${text} is delivered`, true),
      async (error: Error) =>
        lab.check(`${text} is delivered`, false, [
          error.message,
          await from.get(`/v1/messages/${id}`),
          await from.get(`/v1/messages/${id}/trace`),
        ]),
    );
  await until('the lost messages in the history of A', 60_000, async () => {
    const texts = (await history(a, b)).map(one => one.text);
    return lost.b.every(text => texts.includes(text)) && later.every(one => texts.includes(one.text));
  }).catch(() => undefined);

  lab.figure(`${way}: healed and delivered after ms`, Math.round(performance.now() - started));
  const [ofA, ofB] = [await history(a, b), await history(b, a)];
  const count = (all: typeof ofA, text: string): number => all.filter(one => one.text === text).length;
  lab.check(
    'what B had sent is in the history of A again, once',
    lost.b.every(text => count(ofA, text) === 1),
    lost.b.map(text => [text, count(ofA, text)]),
  );
  lab.check(
    'B still has what A had sent, once',
    lost.a.every(text => count(ofB, text) === 1),
    lost.a.map(text => [text, count(ofB, text)]),
  );
  lab.check(
    'later messages are on both sides, once',
    later.every(one => count(ofA, one.text) === 1 && count(ofB, one.text) === 1),
  );
  lab.check(
    'no doubles',
    [doubles(ofA, 'in'), doubles(ofA, 'out'), doubles(ofB, 'in'), doubles(ofB, 'out')].every(list => list.length === 0),
  );
  const open = [...ofA, ...ofB].filter(
    one => one.direction === 'out' && one.state !== 'delivered' && one.state !== 'read',
  );
  lab.check('every outgoing message ends delivered', open.length === 0, open);
  for (const [name, of, all] of [
    ['A', a, ofA],
    ['B', b, ofB],
  ] as const) {
    const refused: unknown[] = [];
    for (const one of all.filter(message => message.direction === 'out')) {
      const { attempts } = (await of.get(`/v1/messages/${one.id}/trace`)) as unknown as {
        attempts: { outcome: string }[];
      };
      refused.push(...attempts.filter(attempt => attempt.outcome === 'refused').map(attempt => [one.text, attempt]));
    }
    lab.check(`nothing that ${name} sent was refused`, refused.length === 0, refused);
  }
  const gaps = [...(await events(a, 'message.gap')), ...(await events(b, 'message.gap'))];
  lab.check('no gap is shown', gaps.length === 0, gaps);
  const healed = { a: await events(a, 'message.healed'), b: (await events(b, 'message.healed')).slice(healedBefore) };
  lab.check('A tells of one rollback', healed.a.length === 1 && healed.a[0]?.data.kind === 'rollback', healed.a);
  // B has something to heal only when it had sent something that A has lost.
  const expected = lost.b.length > 0 ? 1 : 0;
  lab.check(
    'B tells of one rollback when it resent something',
    healed.b.length === expected && healed.b.every(one => one.data.kind === 'rollback'),
    healed.b,
  );
  const cursor = await a.call('GET', `/v1/events?after=${log.head}&logId=${log.logId}`);
  lab.check(
    'an old cursor is answered with LOG_CHANGED',
    cursor.status === 410 && cursor.body.code === 'LOG_CHANGED',
    cursor,
  );
  const now = (await a.get('/v1/events?after=head')) as unknown as { logId: string };
  lab.check('the log has a new id', now.logId !== log.logId);
  await Promise.all([a.stop(), b.stop()]);
}

if (import.meta.main) await runAlone(rollback);
