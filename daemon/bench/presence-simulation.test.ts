import { expect, it } from 'vitest';
import { HeapClock } from './heap-clock.ts';
import { costSlope, simulatePresence } from './presence-simulation.ts';

const seed = Number(process.env['P2PMSG_TEST_SEED'] ?? Date.now() % 1_000_000);

it(`presence costs each peer at most one message per other peer and period (seed ${seed})`, async () => {
  const costs = [];
  for (const peers of [10, 30, 120]) costs.push(await simulatePresence({ peers, seed }));
  for (const cost of costs) {
    expect(cost.fewestOnline).toBe(cost.peers);
    // The heartbeat and nothing else: 15 s ± 10 %.
    expect(cost.sentPerPeerAndPeriod).toBeLessThanOrEqual(1.12);
    expect(cost.receivedPerPeerAndPeriod).toBeLessThanOrEqual(1.12 * (cost.peers - 1));
    // One PRESENCE, and a WELCOME of all of few or of about 20 of many (standard deviation below 4.5).
    expect(cost.messagesPerNewcomer).toBeLessThanOrEqual(1 + 20 + 23);
  }
  const perPeer = costs.map(cost => cost.receivedPerPeerAndPeriod / cost.peers);
  expect(perPeer[1]).toBeLessThan((perPeer[0] ?? 0) * 1.25);
  expect(perPeer[2]).toBeLessThan(perPeer[1] ?? 0);
  expect(costSlope(costs)).toBeLessThanOrEqual(1.12);
  expect(costs.map(cost => cost.refreshSeconds)).toEqual([15, 15, 18]);
});

it('the same seed gives the same figures', async () => {
  expect(await simulatePresence({ peers: 12, seed })).toEqual(await simulatePresence({ peers: 12, seed }));
});

it('the virtual clock fires timers in the order of their time, then of their setting', async () => {
  const clock = new HeapClock();
  const fired: string[] = [];
  const note = (name: string) => () => void fired.push(`${name}@${clock.monotonicMs()}`);
  clock.after(30, note('c'));
  clock.after(10, note('a'));
  clock.after(10, note('b'));
  clock.after(20, note('never')).cancel();
  const ticks = clock.every(12, note('tick'));
  await clock.advance(30);
  ticks.cancel();
  await clock.advance(100);
  expect(fired).toEqual(['a@10', 'b@10', 'tick@12', 'tick@24', 'c@30']);
  expect(clock.monotonicMs()).toBe(130);
});
