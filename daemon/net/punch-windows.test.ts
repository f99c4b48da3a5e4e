import { multiaddr } from '@multiformats/multiaddr';
import { describe, expect, it } from 'vitest';
import type { PeerId } from '#api/ids';
import { PunchWindows } from './punch-windows.ts';

const [A, B] = ['a' as PeerId, 'b' as PeerId];
const at = (text: string) => multiaddr(text);

describe('a connection accepted while a hole is punched', () => {
  it('is initiated by us when it comes from where the leader said it would be', () => {
    const windows = new PunchWindows();
    const close = windows.open(A, { initiator: true, from: [at('/ip4/45.0.0.1/tcp/7301')] });
    expect(windows.claim(at('/ip4/45.0.0.1/tcp/7301'))).toBe(A);
    expect(windows.claim(at('/ip4/45.0.0.2/tcp/7301'))).toBeNull();
    close();
    expect(windows.claim(at('/ip4/45.0.0.1/tcp/7301'))).toBeNull();
  });

  it('may come from another port: some NATs give each destination its own', () => {
    const windows = new PunchWindows();
    windows.open(A, { initiator: true, from: [at('/ip4/45.0.0.1/tcp/7301')] });
    windows.open(B, { initiator: true, from: [at('/ip4/45.0.0.1/tcp/7302')] });
    expect(windows.claim(at('/ip4/45.0.0.1/tcp/7302'))).toBe(B);
    expect(windows.claim(at('/ip4/45.0.0.1/tcp/50000'))).toBe(A);
  });

  it('is an ordinary one where we lead', () => {
    const windows = new PunchWindows();
    windows.open(A, { initiator: false, from: [at('/ip4/45.0.0.1/tcp/7301')] });
    expect(windows.claim(at('/ip4/45.0.0.1/tcp/7301'))).toBeNull();
    expect(windows.has(A)).toBe(true);
  });

  it('escapes the limits on new connections eight times at most', () => {
    const windows = new PunchWindows();
    windows.open(A, { initiator: true, from: [at('/ip4/45.0.0.1/tcp/7301')] });
    const claims = Array.from({ length: 20 }, () => windows.claim(at('/ip4/45.0.0.1/tcp/7301')));
    expect(claims.filter(Boolean).length).toBe(8);
  });

  it('belongs to the newest window with the peer', () => {
    const windows = new PunchWindows();
    const closeOld = windows.open(A, { initiator: true, from: [at('/ip4/45.0.0.1/tcp/1')] });
    windows.open(A, { initiator: true, from: [at('/ip4/45.0.0.2/tcp/1')] });
    closeOld();
    expect(windows.claim(at('/ip4/45.0.0.1/tcp/1'))).toBeNull();
    expect(windows.claim(at('/ip4/45.0.0.2/tcp/1'))).toBe(A);
  });
});
