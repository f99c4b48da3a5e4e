import { describe, expect, it } from 'vitest';
import { NETWORK_EXAMPLE } from '#api/rest/examples';
import type { Network } from '#api/rest/node';
import { diagnose } from './doctor.ts';
import { networkChecks } from './network-checks.ts';

describe('doctor', () => {
  it('runs every check, keeps their order and says the worst; a check that throws has failed', async () => {
    const diagnosis = await diagnose([
      { name: 'a', look: () => ({ status: 'ok', text: 'well' }) },
      { name: 'b', look: () => Promise.reject(new Error('broken')) },
      { name: 'c', look: () => ({ status: 'warn', text: 'so so', fix: 'do this' }) },
    ]);
    expect(diagnosis).toEqual({
      status: 'fail',
      checks: [
        { name: 'a', status: 'ok', text: 'well' },
        { name: 'b', status: 'fail', text: 'broken' },
        { name: 'c', status: 'warn', text: 'so so', fix: 'do this' },
      ],
    });
  });

  const of = async (change: Partial<Network>): Promise<Record<string, string>> => {
    const { checks } = await diagnose(networkChecks(() => ({ ...NETWORK_EXAMPLE, ...change })));
    return Object.fromEntries(checks.map(({ name, status }) => [name, status]));
  };
  const [relay] = NETWORK_EXAMPLE.relays;
  if (!relay) throw new Error('the example has a relay');

  it('finds nothing wrong with a daemon that has what it needs', async () => {
    expect(new Set(Object.values(await of({})))).toEqual(new Set(['ok']));
  });

  it('warns of what keeps others from reaching it', async () => {
    expect(await of({ relays: [], candidates: [] })).toMatchObject({ relays: 'warn', reachable: 'warn' });
    const lost: Network['relays'] = [{ ...relay, reservation: 'lost', lastError: 'connection refused' }];
    expect(await of({ relays: lost, candidates: [] })).toMatchObject({ relays: 'fail', reachable: 'warn' });
    expect(await of({ holePunching: { possible: 'no', reason: 'x' } })).toMatchObject({ 'hole punching': 'warn' });
    expect(await of({ connections: 0 })).toMatchObject({ peers: 'warn' });
  });

  it('warns of a clock that peers do not share, not of one that slept', async () => {
    const clock = NETWORK_EXAMPLE.clock;
    expect(await of({ clock: { ...clock, offsetMs: -3_600_000 } })).toMatchObject({ clock: 'warn' });
    expect(await of({ clock: { ...clock, jumpedForwardMs: 3_600_000 } })).toMatchObject({ clock: 'ok' });
  });
});
