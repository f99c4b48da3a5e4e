import type { Connection } from '@libp2p/interface';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { leaveRelayed } from './relayed-leave.ts';

class FakeConnection extends EventTarget {
  status = 'open';
  streams: { protocol: string }[] = [];
  close(): Promise<void> {
    this.status = 'closed';
    this.dispatchEvent(new Event('close'));
    return Promise.resolve();
  }
}

function create() {
  const clock = new ManualClock();
  const [relayed, direct] = [new FakeConnection(), new FakeConnection()];
  leaveRelayed(
    { clock, log: silentLogger },
    { relayed: relayed as unknown as Connection, direct: direct as unknown as Connection, afterMs: 10_000 },
  );
  return { clock, relayed, direct };
}

describe('a relayed connection beside the punched one', () => {
  it('is closed when only upkeep runs on it', async () => {
    const { clock, relayed } = create();
    relayed.streams = ['/meshsub/1.2.0', '/ipfs/ping/1.0.0', '/ipfs/id/push/1.0.0'].map(protocol => ({ protocol }));
    await clock.advance(9_999);
    expect(relayed.status).toBe('open');
    await clock.advance(1);
    expect(relayed.status).toBe('closed');
  });

  it('is kept as long as a message or anything unknown runs on it', async () => {
    const { clock, relayed } = create();
    relayed.streams = [{ protocol: '/p2pmsg/deliver/1.0.0' }];
    await clock.advance(60_000);
    expect(relayed.status).toBe('open');
    relayed.streams = [];
    await clock.advance(5_000);
    expect(relayed.status).toBe('closed');
  });

  it('is kept when the punched one is gone', async () => {
    const { clock, relayed, direct } = create();
    await direct.close();
    await clock.advance(60_000);
    expect(relayed.status).toBe('open');
    expect(clock.nextInMs()).toBeNull();
  });
});
