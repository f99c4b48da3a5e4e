import { describe, expect, it } from 'vitest';
import { ManualClock } from '../base/clock.ts';
import { generateIdentity } from '../net/keyfile.ts';
import { type FrameStream, type PeerConnection, ProtocolUnsupportedError, type Transport } from '../net/transport.ts';
import type { Core } from './deps.ts';
import { StreamOpener, type StreamOpenerDeps } from './stream-opener.ts';

const peer = generateIdentity().peerId;
const OLD = '/ip4/45.0.0.1/tcp/1';
const NEW = '/ip4/45.0.0.2/tcp/1';

/** A contact that is at the new address only, and may call. */
function setUp(locate: StreamOpenerDeps['locate']) {
  const clock = new ManualClock();
  const dialled: (readonly string[])[] = [];
  let hasCalled = false;
  const transport: Pick<Transport, 'openStream' | 'connection'> = {
    openStream: (of, _protocol, { addresses = [] }) => {
      dialled.push(addresses);
      if (!hasCalled && !addresses.includes(NEW)) return Promise.reject(new Error('no path'));
      return Promise.resolve({ peer: of } as FrameStream);
    },
    connection: () => (hasCalled ? ({ path: 'direct' } as PeerConnection) : null),
  };
  const core = { clock, transport } as unknown as Core;
  const opener = new StreamOpener(core, { addressesOf: () => [OLD], locate }, peer);
  return { clock, core, dialled, opener, calls: () => (hasCalled = true) };
}

/** A search that finds nothing and goes on until it is ended. */
const endless: StreamOpenerDeps['locate'] = (_, { signal }) =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

describe('opening a stream to a contact', () => {
  const stopping = new AbortController().signal;

  it('asks nobody when the contact answers at a known address', async () => {
    let asked = 0;
    const { opener, calls } = setUp(() => {
      asked += 1;
      return Promise.resolve([]);
    });
    calls();
    await expect(opener.open(true, stopping)).resolves.toMatchObject({ peer });
    expect(asked).toBe(0);
  });

  it('goes to the address that was found when nobody answers at the known ones', async () => {
    const searches: unknown[] = [];
    const { opener, dialled } = setUp((_, { known, waiting }) => {
      searches.push({ known, waiting });
      return Promise.resolve([NEW]);
    });
    await expect(opener.open(true, stopping)).resolves.toMatchObject({ peer });
    expect(dialled).toEqual([[OLD], [NEW]]);
    expect(searches).toEqual([{ known: [OLD], waiting: true }]);
  });

  it('fails with the first reason when nothing is found, or the search fails', async () => {
    for (const locate of [() => Promise.resolve([]), () => Promise.reject(new Error('search failed'))]) {
      const { opener, dialled } = setUp(locate);
      await expect(opener.open(false, stopping)).rejects.toThrow('no path');
      expect(dialled).toEqual([[OLD]]);
    }
  });

  it('does not look for one that was reached and does not speak the protocol', async () => {
    let asked = 0;
    const { opener, core } = setUp(() => {
      asked += 1;
      return Promise.resolve([NEW]);
    });
    const lacking = new ProtocolUnsupportedError('/x', { path: 'direct' } as PeerConnection);
    core.transport.openStream = () => Promise.reject(lacking);
    await expect(opener.open(true, stopping)).rejects.toBe(lacking);
    expect(asked).toBe(0);
  });

  it('ends the search when the contact shows itself, and uses its connection', async () => {
    const { opener, calls } = setUp(endless);
    const stream = opener.open(true, stopping);
    await new Promise(resolve => setImmediate(resolve));
    calls();
    opener.shown();
    await expect(stream).resolves.toMatchObject({ peer });
  });

  it('ends the search when the daemon stops', async () => {
    const end = new AbortController();
    const { opener } = setUp(endless);
    const stream = opener.open(true, end.signal);
    await new Promise(resolve => setImmediate(resolve));
    end.abort(new Error('stopping'));
    await expect(stream).rejects.toThrow();
  });

  it('gives a search fifteen seconds', async () => {
    const { opener, clock } = setUp(endless);
    const stream = opener.open(true, stopping).catch(() => clock.monotonicMs());
    await new Promise(resolve => setImmediate(resolve));
    await clock.advance(15_000);
    expect(await stream).toBe(15_000);
  });
});
