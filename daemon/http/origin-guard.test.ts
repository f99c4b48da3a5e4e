import { describe, expect, it } from 'vitest';
import { hostNames } from './origin-guard.ts';

const tcp = { kind: 'tcp', scheme: 'http', host: '127.0.0.1', port: 7300 } as const;

describe('the names of this daemon', () => {
  it('are the loopback names and the bound address, each with our port', () => {
    const names = hostNames({ ...tcp, host: '192.0.2.7' });
    expect([...names]).toEqual(['localhost:7300', '127.0.0.1:7300', '[::1]:7300', '192.0.2.7:7300']);
  });

  it('put an IPv6 address in brackets', () => {
    expect(hostNames({ ...tcp, host: '2001:db8::1' }).has('[2001:db8::1]:7300')).toBe(true);
  });

  it('may come without a port only when it is the one of the scheme', () => {
    expect(hostNames(tcp).has('localhost')).toBe(false);
    expect(hostNames({ ...tcp, port: 80 }).has('localhost')).toBe(true);
    expect(hostNames({ ...tcp, port: 443 }).has('localhost')).toBe(false);
    expect(hostNames({ ...tcp, scheme: 'https', port: 443 }).has('localhost')).toBe(true);
  });

  it('are just localhost on the unix socket', () => {
    expect([...hostNames({ ...tcp, kind: 'socket' })]).toEqual(['localhost']);
  });

  it.each(['LOCALHOST:7300', 'localhost.:7300', '127.0.0.1:7300.evil.example', '127.1:7300', '', ':7300'])(
    'do not include %j',
    name => expect(hostNames(tcp).has(name)).toBe(false),
  );
});
