import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, describe, expect, it } from 'vitest';
import { createLoopbackHosts } from './loopback-hosts.ts';
import { pingConnection } from './ping.ts';
import { patience } from './until.ts';

describe('the signal of a dial', () => {
  const hosts = createLoopbackHosts('127.33.0');
  afterEach(() => hosts.stop());

  it('does not end the connection that came of it', async () => {
    const [a, b] = [await hosts.start(), await hosts.start()];
    const [address] = b.node.getMultiaddrs();
    if (!address) throw new Error('no listener');
    const controller = new AbortController();
    const connection = await a.components.transportManager.dial(address, { signal: controller.signal });
    controller.abort();
    await pingConnection(connection, patience());
    expect(connection.status).toBe('open');
  });

  it('ends a handshake that gets no answer, and its socket', async () => {
    const a = await hosts.start();
    const server = createServer();
    server.listen(0, '127.33.0.100');
    await once(server, 'listening');
    const { address, port } = server.address() as { address: string; port: number };
    const controller = new AbortController();
    const dial = a.components.transportManager.dial(multiaddr(`/ip4/${address}/tcp/${port}`), {
      signal: controller.signal,
    });
    const [socket] = (await once(server, 'connection')) as [Socket];
    const closed = new Promise(resolve => socket.on('error', () => undefined).on('close', resolve));
    await once(socket, 'data');
    controller.abort();
    await expect(dial).rejects.toThrow();
    await closed;
    server.close();
  });
});
