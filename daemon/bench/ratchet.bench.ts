/**
 * Seals and opens per second on one core through our staged stores, and what the staging costs over bare libsignal.
 * Prints one JSON object: `bin/node daemon/bench/ratchet.bench.ts [messages a round]`.
 */
import type { BareRecords } from '../ratchet/bare-libsignal.ts';
import { bareLink } from '../ratchet/bare-libsignal.ts';
import { MemoryPeer, sessionBetween } from '../ratchet/memory-peer.ts';
import type { Sealed } from '../ratchet/ratchet.ts';

const MESSAGES = Number(process.argv[2] ?? 2_000);
const STARTS = Math.ceil(MESSAGES / 10);
/** Rounds alternate between the candidates and the best one counts: the machine is rarely ours alone. */
const ROUNDS = 5;
const PACKET = new Uint8Array(256).fill(7);

type Rates = Readonly<Record<'seal' | 'open', number>>;

/** Runs `work` once per item and adds up to items per second. */
async function perSecond<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  for (const item of items) await work(item);
  return Math.round((items.length * 1_000) / (performance.now() - startedMs));
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

async function bare(records: BareRecords): Promise<Rates> {
  const link = await bareLink(records);
  const sealed: Uint8Array<ArrayBuffer>[] = [];
  const seal = await perSecond(numbers(MESSAGES), async () => sealed.push(await link.seal(PACKET)));
  return { seal, open: await perSecond(sealed, message => link.open(message)) };
}

async function peers(): Promise<{ alice: MemoryPeer; bob: MemoryPeer }> {
  const [alice, bob] = [await MemoryPeer.create(), await MemoryPeer.create()];
  alice.trust(bob);
  bob.trust(alice);
  return { alice, bob };
}

async function staged(): Promise<{ oneWay: Rates; turnsPerSecond: number }> {
  const { alice, bob } = await peers();
  const { starter, other } = sessionBetween(alice, bob, 1);
  const { bundle } = await bob.bundle();
  await bob.open(other, await alice.seal({ name: starter, plaintext: PACKET, bundle }));
  await alice.open(starter, await bob.seal({ name: other, plaintext: PACKET }));

  const sealed: Sealed[] = [];
  const seal = await perSecond(numbers(MESSAGES), async () =>
    sealed.push(await alice.seal({ name: starter, plaintext: PACKET })),
  );
  const open = await perSecond(sealed, message => bob.open(other, message));
  const turnsPerSecond = await perSecond(numbers(STARTS), async () => {
    await alice.open(starter, await bob.seal({ name: other, plaintext: PACKET }));
    await bob.open(other, await alice.seal({ name: starter, plaintext: PACKET }));
  });
  return { oneWay: { seal, open }, turnsPerSecond };
}

/** First messages: bundle made and verified, session started, opened with a one-time pair. */
async function starts(): Promise<Rates & { readonly bundle: number }> {
  const { alice, bob } = await peers();
  bob.addPairs(STARTS);
  const ready: { id: number; bundle: Awaited<ReturnType<MemoryPeer['bundle']>>['bundle'] }[] = [];
  const bundle = await perSecond(numbers(STARTS), async at => ready.push({ id: at + 1, ...(await bob.bundle()) }));
  const first: { id: number; sealed: Sealed }[] = [];
  const seal = await perSecond(ready, async ({ id, bundle: verified }) => {
    const { starter } = sessionBetween(alice, bob, id);
    first.push({ id, sealed: await alice.seal({ name: starter, plaintext: PACKET, bundle: verified }) });
  });
  const open = await perSecond(first, ({ id, sealed }) => bob.open(sessionBetween(alice, bob, id).other, sealed));
  return { bundle, seal, open };
}

const best = (a: Rates, b: Rates): Rates => ({ seal: Math.max(a.seal, b.seal), open: Math.max(a.open, b.open) });
const ratio = (fast: Rates, slow: Rates): Rates => ({
  seal: Number((fast.seal / slow.seal).toFixed(2)),
  open: Number((fast.open / slow.open).toFixed(2)),
});

const zero: Rates = { seal: 0, open: 0 };
let [oneWay, native, serialised, turnsPerSecond] = [zero, zero, zero, 0];
for (let round = 0; round < ROUNDS; round++) {
  native = best(native, await bare('native'));
  serialised = best(serialised, await bare('serialised'));
  const ours = await staged();
  oneWay = best(oneWay, ours.oneWay);
  turnsPerSecond = Math.max(turnsPerSecond, ours.turnsPerSecond);
}
const report = {
  messages: MESSAGES,
  perSecond: {
    staged: oneWay,
    bareNative: native,
    bareSerialised: serialised,
    starts: await starts(),
    turns: turnsPerSecond,
  },
  cost: { overBareNative: ratio(native, oneWay), overBareSerialised: ratio(serialised, oneWay) },
};
process.stdout.write(`${JSON.stringify(report)}\n`);
