import type { Connection } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../base/clock.ts';
import { Knocks } from './punch-window.ts';

const A = multiaddr('/ip4/45.0.0.1/tcp/7301');
const B = multiaddr('/ip4/45.0.0.1/tcp/7302');

function create() {
  const clock = new ManualClock();
  const knocks = new Knocks({ clock, random: () => 0.5 });
  const dials: { address: string; initiator: boolean; ended: boolean }[] = [];
  const renew = (targets: (typeof A)[], initiator: boolean): void =>
    knocks.renew(
      targets,
      initiator,
      (address, signal) =>
        new Promise<Connection>((_, reject) => {
          const dial = { address: address.toString(), initiator, ended: false };
          dials.push(dial);
          signal.addEventListener('abort', () => {
            dial.ended = true;
            reject(new Error('aborted'));
          });
        }),
    );
  return { clock, knocks, dials, renew };
}

describe('dials from round to round', () => {
  it('go on through the next rounds: there is no moment without one', async () => {
    const { clock, knocks, dials, renew } = create();
    renew([A], true);
    for (let round = 0; round < 2; round += 1) {
      await clock.advance(5_000);
      knocks.linger();
      await clock.advance(1_000);
      renew([A, B], true);
    }
    expect(dials.map(({ address }) => address)).toEqual([A.toString(), B.toString()]);
    expect(dials.some(({ ended }) => ended)).toBe(false);
  });

  it('end four seconds after the last round', async () => {
    const { clock, knocks, dials, renew } = create();
    renew([A, B], false);
    knocks.linger();
    await clock.advance(3_999);
    expect(dials.some(({ ended }) => ended)).toBe(false);
    await clock.advance(1);
    expect(dials.every(({ ended }) => ended)).toBe(true);
    expect(knocks.idle).toBe(true);
  });

  it('begin anew when the other end of the handshake is ours now', async () => {
    const { clock, dials, renew } = create();
    renew([A], false);
    renew([A], true);
    await clock.advance(0);
    expect(dials.map(({ initiator, ended }) => [initiator, ended])).toEqual([
      [false, true],
      [true, false],
    ]);
  });
});
