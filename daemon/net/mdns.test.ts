import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { decode, encode } from 'dns-packet';
import { afterEach, describe, expect, it } from 'vitest';
import type { PeerId } from '#api/ids';
import { ManualClock, systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { generateIdentity } from './keyfile.ts';
import type { Sighting } from './lan-dialer.ts';
import { lanInterfaces } from './lan-interfaces.ts';
import { createMdns, type Mdns } from './mdns.ts';
import { encodeAnswer, encodeQuery } from './mdns-message.ts';
import { until } from './until.ts';

/** Real packets on the loopback, on a port of their own. */
describe('mDNS on an interface', () => {
  const open: Mdns[] = [];
  const sockets: Socket[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map(mdns => mdns.stop()));
    for (const socket of sockets.splice(0)) socket.close();
  });
  const loopback = () => lanInterfaces({ lo: [lo] });
  const lo = {
    address: '127.0.0.1',
    netmask: '255.0.0.0',
    family: 'IPv4',
    mac: '',
    internal: true,
    cidr: null,
  } as const;

  async function freePort(): Promise<number> {
    const socket = createSocket('udp4').bind(0);
    await once(socket, 'listening');
    const { port } = socket.address();
    socket.close();
    return port;
  }

  function start(port: number, options: { clock?: ManualClock; addresses?: (self: PeerId) => string[] } = {}) {
    const self = generateIdentity().peerId;
    const seen: Sighting[] = [];
    const mdns = createMdns(
      {
        self,
        clock: options.clock ?? systemClock,
        log: silentLogger,
        addresses: () => options.addresses?.(self) ?? [`/ip4/127.0.0.1/tcp/7301/p2p/${self}`],
        onSighting: sighting => seen.push(sighting),
        interfaces: loopback,
      },
      { port },
    );
    open.push(mdns);
    mdns.start();
    return { mdns, self, seen };
  }

  /** A neighbour that hears the group and can say anything. */
  async function neighbour(port: number): Promise<{ socket: Socket; say: (bytes: Uint8Array) => void }> {
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    sockets.push(socket);
    socket.bind(port);
    await once(socket, 'listening');
    socket.addMembership('224.0.0.251', '127.0.0.1');
    socket.setMulticastInterface('127.0.0.1');
    return { socket, say: bytes => socket.send(bytes, port, '224.0.0.251') };
  }

  it('two nodes find each other, and neither finds itself', async () => {
    const port = await freePort();
    const a = start(port);
    const b = start(port);
    await until(() => a.seen.length > 0 && b.seen.length > 0);
    expect(new Set(a.seen.map(({ peer }) => peer))).toEqual(new Set([b.self]));
    expect(b.seen[0]).toEqual({
      peer: a.self,
      addresses: [`/ip4/127.0.0.1/tcp/7301/p2p/${a.self}`],
      source: '127.0.0.1',
    });
  });

  it('a query is answered with the addresses of this interface only', async () => {
    const port = await freePort();
    const { socket, say } = await neighbour(port);
    const { self } = start(port, {
      addresses: id => [
        `/ip4/45.1.2.3/tcp/1/p2p/${id}`,
        `/ip4/192.168.1.7/tcp/1/p2p/${id}`,
        `/ip4/127.0.0.1/tcp/1/p2p/${id}`,
      ],
    });
    let texts: string[] = [];
    socket.on('message', bytes => {
      const [txt] = decode(bytes).additionals ?? [];
      if (txt?.type === 'TXT') texts = [txt.data].flat().map(String);
    });
    say(encodeQuery());
    await until(() => texts.length > 0);
    expect(texts).toEqual([`dnsaddr=/ip4/127.0.0.1/tcp/1/p2p/${self}`]);
  });

  it('many queries are answered once a second', async () => {
    const port = await freePort();
    const clock = new ManualClock();
    const { socket, say } = await neighbour(port);
    let answers = 0;
    let queries = 0;
    socket.on('message', bytes => {
      const packet = decode(bytes);
      if (packet.type === 'response') answers += 1;
      else queries += 1;
    });
    start(port, { clock });
    // The one at the start.
    await until(() => answers === 1);
    for (let n = 0; n < 50; n += 1) say(encodeQuery());
    await until(() => queries >= 50);
    // As many as are looked at from one host in a second.
    await clock.advance(1_200);
    await until(() => answers === 2);
    expect(answers).toBe(2);
  });

  it('a flood of one host is cut off, and the next second is heard again', async () => {
    const port = await freePort();
    const clock = new ManualClock();
    const { socket, say } = await neighbour(port);
    const { seen } = start(port, { clock });
    let heard = 0;
    socket.on('message', () => (heard += 1));
    const peer = generateIdentity().peerId;
    const spoofed = encodeAnswer({ instance: 'x', addresses: [`/ip4/127.0.0.1/tcp/1/p2p/${peer}`], ip: '127.0.0.1' });
    await until(() => heard > 0);
    for (let n = 0; n < 100; n += 1) say(spoofed);
    await until(() => heard > 100);
    expect(seen.length).toBeLessThanOrEqual(20);
    await clock.advance(1_100);
    const before = seen.length;
    say(spoofed);
    await until(() => seen.length > before);
  });

  it('hostile packets are passed over', async () => {
    const port = await freePort();
    const { say } = await neighbour(port);
    const { seen } = start(port);
    say(new Uint8Array([1, 2, 3]));
    say(encode({ type: 'response', answers: [{ name: '_p2p._udp.local', type: 'PTR', data: '_p2p._udp.local' }] }));
    say(new Uint8Array(9_500));
    const peer = generateIdentity().peerId;
    await until(() => {
      say(encodeAnswer({ instance: 'x', addresses: [`/ip4/127.0.0.1/tcp/1/p2p/${peer}`], ip: '127.0.0.1' }));
      return seen.some(sighting => sighting.peer === peer);
    });
    expect(new Set(seen.map(sighting => sighting.peer))).toEqual(new Set([peer]));
  });

  it('an interface that comes is used, one that goes is let go', async () => {
    const port = await freePort();
    const clock = new ManualClock();
    let interfaces = loopback();
    const mdns = createMdns(
      {
        self: generateIdentity().peerId,
        clock,
        log: silentLogger,
        addresses: () => [],
        onSighting: () => undefined,
        interfaces: () => interfaces,
      },
      { port },
    );
    open.push(mdns);
    interfaces = [];
    mdns.start();
    expect(mdns.interfaces()).toEqual([]);
    interfaces = loopback();
    await clock.advance(5_000);
    expect(mdns.interfaces()).toEqual(['lo']);
    interfaces = [];
    await clock.advance(5_000);
    expect(mdns.interfaces()).toEqual([]);
  });
});
