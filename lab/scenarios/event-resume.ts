import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type LogEvent, makeContacts, sendSurely, uuidV7, wholeLog } from '../api.ts';
import { FOLLOW_WAYS, type FollowWay } from '../event-follower.ts';
import { type Daemon, startDaemon, startRelay, tcpAddress } from '../programs.ts';
import type { Scenario } from '../scenario.ts';
import { eventually, seededRandom } from '../scenario.ts';
import { NODE, type Workspace } from '../workspace.ts';

const RESUMES = { ci: 25, full: 100 };
/** The daemon itself is killed this often in between. */
const DAEMON_KILL_EVERY = 20;
const MESSAGES_PER_S = 25;

export const eventResume: Scenario = {
  what: 'an event client that is killed again and again misses nothing and handles nothing twice',
  tiers: ['ci', 'full'],
  async run({ lab, checks, tier, seed, numbers, say }) {
    const resumes = numbers['resumes'] ?? RESUMES[tier];
    const random = seededRandom(seed);
    const relays = [tcpAddress(await startRelay(lab))];
    const a = await startDaemon(lab, { name: 'a', relays });
    const b = await startDaemon(lab, { name: 'b', relays });
    await makeContacts(a, b);
    const traffic = { on: true };
    const writing = Promise.all([talk(a, b, traffic), talk(b, a, traffic)]);
    let talkFault: unknown = null;
    writing.catch((fault: unknown) => {
      talkFault = fault;
    });

    const handled = join(lab.folder, 'handled');
    const ways = { socket: 0, poll: 0, stream: 0 };
    for (let number = 1; number <= resumes && talkFault === null; number += 1) {
      const way = random.pick(FOLLOW_WAYS as [FollowWay]);
      ways[way] += 1;
      const before = sizeOf(handled);
      const client = startClient(lab, a, handled, way);
      // Killed in the middle of its work: after it has begun to handle events, at any moment.
      const began = await eventually(120_000, 5, () => sizeOf(handled) > before);
      if (!began) checks.that(`client ${number} (${way}) goes on`, false);
      await pause(random.below(200));
      process.kill(client.pid, 'SIGKILL');
      await client.exited;
      if (number % DAEMON_KILL_EVERY === 0) {
        say(`${number}/${resumes}: ${linesOf(handled).length} events handled; the daemon is killed too`);
        await a.kill();
        await a.start();
      }
    }
    traffic.on = false;
    await writing;

    const { events } = await wholeLog(a.address);
    const last = startClient(lab, a, handled, 'socket');
    await eventually(120_000, 50, () => linesOf(handled).length >= events.length);
    await pause(500); // A double would come now.
    process.kill(last.pid, 'SIGKILL');
    await last.exited;
    const log = (await wholeLog(a.address)).events;
    const seen = linesOf(handled);
    const times = new Map<number, number>();
    for (const { seq } of seen) times.set(seq, (times.get(seq) ?? 0) + 1);
    checks.none(
      'no event is missed',
      log.slice(0, events.length).filter(({ seq }) => !times.has(seq)),
    );
    checks.none(
      'no event comes twice',
      [...times].filter(([, count]) => count > 1),
    );
    checks.none(
      'events come in order',
      seen.filter(({ seq }, at) => seq !== at + 1),
    );
    const content = new Map(log.map(event => [event.seq, JSON.stringify(event.data)]));
    checks.none(
      'each has the content that the log holds',
      seen.filter(({ seq, data }) => content.get(seq) !== JSON.stringify(data)),
    );
    return { resumes, ways, events: log.length };
  },
};

function startClient(lab: Workspace, daemon: Daemon, handled: string, way: FollowWay) {
  const script = join(import.meta.dirname, '..', 'event-client.ts');
  const token = join(daemon.home, 'admin-token');
  return lab.spawn(NODE, [script, daemon.address.url, token, handled, way], { stderr: 'client.err' });
}

async function talk(from: Daemon, to: Daemon, traffic: { on: boolean }): Promise<void> {
  for (let number = 1; traffic.on; number += 1) {
    await sendSurely(() => from.address, to.peerId, { id: uuidV7(), text: `${from.name} ${number}` });
    await pause(1_000 / MESSAGES_PER_S);
  }
}

const sizeOf = (file: string): number => (existsSync(file) ? statSync(file).size : 0);

/** Whole lines only: the client may be writing. */
const linesOf = (file: string): LogEvent[] =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .slice(0, -1)
        .map(line => JSON.parse(line) as LogEvent)
    : [];
