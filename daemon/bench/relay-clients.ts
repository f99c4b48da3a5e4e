import { setTimeout as pause } from 'node:timers/promises';
import { refreshSecondsFor } from '../presence/announcer.ts';
import { type LineProcess, startLineProcess } from './line-process.ts';
import { cpuMs, type Memory, memoryOf } from './process-cost.ts';
import { startRelay } from './relay-process.ts';

/** Small enough that four of them on a machine with two cores answer in time. */
const CLIENTS_PER_PROCESS = 250;
const ANNOUNCES_PER_SECOND = 1;
/** Until what was said last has been heard. */
const HEARING_MS = 3_000;
const SCRIPT = new URL('relay-crowd.ts', import.meta.url).pathname;

interface ClientCost {
  readonly clients: number;
  /** Who still has a reservation after all that: fewer on a machine that has no time for so many. */
  readonly held: number;
  readonly rssMb: number;
  readonly anonMb: number;
  readonly rssKbPerClient: number;
  readonly anonKbPerClient: number;
  /** Connection, encryption, identify, lobby stream and reservation. */
  readonly joinMsPerClient: number;
  /** Everybody is silent. */
  readonly idlePercent: number;
  readonly idleMsPerClientMinute: number;
  /** Processor time of one announce to all. */
  readonly announceMs: number;
  /** Of the other clients, how many hear an announce. */
  readonly heardPercent: number;
  /** What daemons say on their own: their number by the interval at which they refresh. */
  readonly announcesPerSecondOfDaemons: number;
  /** Reckoned from the three before it. */
  readonly lobbyPercent: number;
}

interface Options {
  readonly counts: readonly number[];
  readonly settleSeconds: number;
  readonly seconds: number;
}

/** One relay, to which more and more clients come. */
export async function measureClients(
  home: string,
  { counts, settleSeconds, seconds }: Options,
): Promise<{ readonly empty: Memory & { readonly idlePercent: number }; readonly steps: readonly ClientCost[] }> {
  await using running = new AsyncDisposableStack();
  const relay = running.use(await startRelay(home, '127.45.0.1'));
  const crowds: LineProcess<unknown>[] = [];
  const cpuOver = async (work: () => Promise<unknown>): Promise<{ cpu: number; wall: number }> => {
    const [cpu, wall] = [cpuMs(relay.pid), performance.now()];
    await work();
    return { cpu: cpuMs(relay.pid) - cpu, wall: performance.now() - wall };
  };
  const idle = (): ReturnType<typeof cpuOver> => cpuOver(() => pause(seconds * 1_000));
  const heldAndHeard = async (): Promise<{ held: number; heard: number }> => {
    let [held, heard] = [0, 0];
    for (const crowd of crowds) {
      const one = await crowd.ask<{ held: number; heard: number }>('look');
      held += one.held;
      heard += one.heard;
    }
    return { held, heard };
  };
  const add = async (from: number, to: number): Promise<void> => {
    for (let first = from; first < to; ) {
      const at = Math.floor(first / CLIENTS_PER_PROCESS);
      crowds[at] ??= running.use(await startLineProcess(process.execPath, [SCRIPT, relay.address]));
      const until = Math.min(to, (at + 1) * CLIENTS_PER_PROCESS);
      await crowds[at].ask(`add ${first} ${until - first}`);
      first = until;
    }
  };

  await pause(settleSeconds * 1_000);
  const empty = memoryOf(relay.pid);
  const nothing = await idle();
  const steps: ClientCost[] = [];
  let have = 0;
  for (const clients of counts) {
    const joined = await cpuOver(() => add(have, clients));
    await pause(settleSeconds * 1_000);
    const quiet = await idle();
    const memory = memoryOf(relay.pid);
    const { held } = await heldAndHeard();
    const speaking = await cpuOver(() => crowds[0]?.ask(`announce ${ANNOUNCES_PER_SECOND} ${seconds}`) ?? pause(0));
    await pause(HEARING_MS);
    const { heard } = await heldAndHeard();
    const announces = ANNOUNCES_PER_SECOND * seconds;
    const announceMs = (speaking.cpu - (quiet.cpu / quiet.wall) * speaking.wall) / announces;
    const perSecond = clients / refreshSecondsFor(clients);
    steps.push({
      clients,
      held,
      rssMb: round(memory.rssMb, 1),
      anonMb: round(memory.anonMb, 1),
      rssKbPerClient: round(((memory.rssMb - empty.rssMb) * 1_024) / clients),
      anonKbPerClient: round(((memory.anonMb - empty.anonMb) * 1_024) / clients),
      joinMsPerClient: round(joined.cpu / (clients - have), 1),
      idlePercent: round((quiet.cpu / quiet.wall) * 100, 2),
      idleMsPerClientMinute: round(((quiet.cpu / quiet.wall) * 60_000) / clients, 2),
      announceMs: round(announceMs, 2),
      heardPercent: round((heard / (announces * (clients - 1))) * 100, 1),
      announcesPerSecondOfDaemons: round(perSecond, 1),
      lobbyPercent: round((announceMs * perSecond) / 10, 1),
    });
    have = clients;
    process.stderr.write(`${JSON.stringify(steps.at(-1))}\n`);
  }
  return { empty: { ...empty, idlePercent: round((nothing.cpu / nothing.wall) * 100, 2) }, steps };
}

const round = (value: number, digits = 0): number => Math.round(value * 10 ** digits) / 10 ** digits;
