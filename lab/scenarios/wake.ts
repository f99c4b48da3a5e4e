import type { Daemon } from './adapter.ts';
import { sleep, startDaemon, until } from './adapter.ts';
import { startStopwatch } from '../stopwatch.ts';
import { type Lab, runAlone, scenario } from './harness.ts';
import { befriend, delivered, doubles, history, relayFor, send } from './talk.ts';

const RECOVERED_WITHIN_MS = 10_000;
/** Long enough that relay and peer have given the sleeper up (15 s). */
const ASLEEP_MS = { ci: 25_000, full: 180_000 } as const;

/** A machine that sleeps as long as it likes is back within 10 s: its relay, its contacts, what waited for it. */
export const wake = scenario({
  name: 'wake',
  what: 'a daemon that is stopped for a while (SIGSTOP) has reservation and messages within 10 s of waking',
  async run(lab) {
    const relays = [await relayFor(lab)];
    const [a, b] = await Promise.all(
      ['a', 'b'].map(name => startDaemon(lab, { home: `${lab.folder}/${name}`, listen: ['none'], name, relays })),
    );
    if (!a || !b) throw new Error('no daemons');
    await Promise.all([a, b].map(one => reserved(one)));
    await befriend(a, b, `${relays[0]}/p2p-circuit/p2p/${b.peerId}`);
    for (let round = 0; round < (lab.tier === 'ci' ? 1 : 3); round += 1) await sleepAndWake(lab, { a, b, round });
  },
});

const reserved = (daemon: Daemon): Promise<unknown> =>
  until(
    'an active reservation',
    30_000,
    async () => (await daemon.get('/v1/network')).relays.some(({ reservation }) => reservation === 'active'),
    50,
  );

async function sleepAndWake(lab: Lab, { a, b, round }: { a: Daemon; b: Daemon; round: number }): Promise<void> {
  const asleepMs = ASLEEP_MS[lab.tier];
  const { pid } = b as Daemon & { pid: number };
  process.kill(pid, 'SIGSTOP');
  let waiting = '';
  try {
    await sleep(asleepMs / 2);
    waiting = (await send(a, b, `while asleep ${round}`)).id;
    const noticed = await until(
      'the sleeper is away',
      20_000,
      async () => (await a.get(`/v1/contacts/${b.peerId}`)).presence !== 'online',
    ).catch(() => false);
    lab.check('the other side notices that nobody is there', noticed === true, noticed);
    await sleep(asleepMs / 2);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  const watch = startStopwatch();
  await reserved(b);
  const reservedMs = Math.round(watch.wallMs());
  const answer = await send(b, a, `awake again ${round}`);
  await delivered(b, answer.id, 60_000);
  const answeredMs = Math.round(watch.wallMs());
  await delivered(a, waiting, 60_000);
  const deliveredMs = Math.round(watch.wallMs());
  const ownMs = Math.round(watch.ownMs());
  lab.figure(`after ${asleepMs / 1_000} s asleep, ms to`, { reservedMs, answeredMs, deliveredMs });
  lab.check(
    'reservation, own message and waiting message within 10 s of waking',
    // One after the other: the last one is the longest.
    ownMs <= RECOVERED_WITHIN_MS,
    { reservedMs, answeredMs, deliveredMs, ownMs },
  );
  const texts = await history(b, a);
  lab.check('nothing is there twice', doubles(texts, 'in').length === 0, texts);
  const { clock } = (await b.get('/v1/network')) as unknown as { clock: { jumpedBackMs: number } };
  lab.check('the clock was not taken for set back', clock.jumpedBackMs === 0, clock);
}

if (import.meta.main) await runAlone(wake);
