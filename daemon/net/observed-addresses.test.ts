import type { Connection } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../base/clock.ts';
import { createObservedAddresses } from './observed-addresses.ts';
import { isPublicTcp } from './punch-addresses.ts';

function create() {
  const clock = new ManualClock();
  const observed = createObservedAddresses(
    { clock },
    {
      isPublic: isPublicTcp,
      isFromPort: connection => connection.remoteAddr.toString().endsWith('/tcp/4001'),
      listeningPort: () => 7301,
    },
  );
  const connection = (peer: string, change: Partial<Connection> = {}): Connection & { status: string } =>
    ({
      remotePeer: peer,
      remoteAddr: multiaddr(`/ip4/45.0.1.${peer.length}/tcp/4001`),
      direction: 'outbound',
      status: 'open',
      ...change,
    }) as unknown as Connection & { status: string };
  return { clock, observed, connection, texts: () => observed.list().map(String) };
}

/** Not called from the listening port. */
const ANY_PORT = { remoteAddr: multiaddr('/ip4/45.0.1.9/tcp/4009') };
const SELF = '/p2p/12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X';

describe('how others see our port', () => {
  it('is told by those whom we called from it, without our name', () => {
    const { observed, connection, texts } = create();
    observed.seen(connection('r'), multiaddr(`/ip4/45.0.0.1/tcp/7301${SELF}`));
    observed.seen(connection('in', { direction: 'inbound' }), multiaddr('/ip4/45.0.0.2/tcp/1'));
    observed.seen(connection('any', ANY_PORT), multiaddr('/ip4/45.0.0.3/tcp/1'));
    observed.seen(connection('lan'), multiaddr('/ip4/192.168.0.3/tcp/7301'));
    observed.seen(connection('none'), undefined);
    expect(texts()).toEqual(['/ip4/45.0.0.1/tcp/7301']);
    expect([...observed.hosts()]).toEqual(['45.0.0.1']);
  });

  it('is guessed from the host when nobody was called from it: most NATs keep the port', async () => {
    const { clock, observed, connection, texts } = create();
    observed.seen(connection('any', ANY_PORT), multiaddr('/ip4/45.0.0.3/tcp/50123'));
    expect(texts()).toEqual(['/ip4/45.0.0.3/tcp/7301']);
    observed.seen(connection('other', ANY_PORT), multiaddr('/ip4/45.0.0.3/tcp/50124'));
    expect(observed.mapping()).toBe('unknown');
    const relay = connection('r');
    observed.seen(relay, multiaddr('/ip4/45.0.0.3/tcp/40001'));
    observed.seen(connection('r', ANY_PORT), multiaddr('/ip4/45.0.0.3/tcp/50125'));
    expect(texts()).toEqual(['/ip4/45.0.0.3/tcp/40001']);
    Object.assign(relay, { status: 'closed' });
    await clock.advance(11 * 60_000);
    expect(texts()).toEqual(['/ip4/45.0.0.3/tcp/7301']);
  });

  it('tells a NAT that keeps the port from one that does not, once two have looked', () => {
    const { observed, connection } = create();
    observed.seen(connection('r'), multiaddr('/ip4/45.0.0.1/tcp/7301'));
    expect(observed.mapping()).toBe('unknown');
    observed.seen(connection('rr'), multiaddr('/ip4/45.0.0.1/tcp/7301'));
    expect(observed.mapping()).toBe('stable');
    observed.seen(connection('rrr'), multiaddr('/ip4/45.0.0.1/tcp/50123'));
    expect(observed.mapping()).toBe('varying');
  });

  it('is forgotten ten minutes after the connection has ended', async () => {
    const { clock, observed, connection, texts } = create();
    const relay = connection('r');
    observed.seen(relay, multiaddr('/ip4/45.0.0.1/tcp/7301'));
    await clock.advance(60 * 60_000);
    expect(texts().length).toBe(1);
    Object.assign(relay, { status: 'closed' });
    await clock.advance(9 * 60_000);
    expect(texts().length).toBe(1);
    await clock.advance(2 * 60_000);
    expect(texts()).toEqual([]);
  });

  it('is a short list, the newest first', () => {
    const { observed, connection, texts } = create();
    for (let n = 1; n < 40; n += 1) observed.seen(connection('r'.repeat(n)), multiaddr(`/ip4/45.0.0.1/tcp/${n}`));
    expect(texts()).toEqual([39, 38, 37, 36].map(port => `/ip4/45.0.0.1/tcp/${port}`));
  });
});
