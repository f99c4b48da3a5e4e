import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Connection, Stream } from '@libp2p/interface';
import { byteStream } from '@libp2p/utils';
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { createHost, DAEMON_BUDGET, type Host, listenAddresses } from './host.ts';
import { generateIdentity } from './keyfile.ts';
import { PING_BYTES, PING_PROTOCOL } from './ping.ts';
import { until } from './until.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

describe('the answer to pings', () => {
  const hosts: Host[] = [];
  afterEach(async () => {
    await Promise.all(hosts.splice(0).map(async host => host.node.stop()));
  });

  async function startHost(listen: string[]): Promise<Host> {
    const host = await createHost(
      // The heartbeat asks nothing on its own: its clock stands still.
      { log: silentLogger, clock: new ManualClock(), identity: generateIdentity() },
      { listen, announce: [], appendAnnounce: [], agent: 'test', budget: DAEMON_BUDGET },
    );
    await host.node.start();
    hosts.push(host);
    return host;
  }

  async function pair(): Promise<{ answering: Host; connection: Connection }> {
    const answering = await startHost(['/ip4/127.41.7.2/tcp/0']);
    const asking = await startHost([]);
    return { answering, connection: await asking.node.dial(multiaddr(listenAddresses(answering)[0] ?? '')) };
  }
  const pings = (host: Host): Stream[] =>
    host.node.getConnections().flatMap(({ streams }) => streams.filter(({ protocol }) => protocol === PING_PROTOCOL));

  it('echoes again and again on one stream, and closes it when the other side does', async () => {
    const { answering, connection } = await pair();
    const stream = await connection.newStream(PING_PROTOCOL);
    for (let n = 0; n < 3; n += 1) await echo(stream, n);
    await stream.close();
    await until(() => pings(answering).length === 0 && stream.status === 'closed');
  });

  it('answers what was sent together with the end', async () => {
    const { answering, connection } = await pair();
    const stream = await connection.newStream(PING_PROTOCOL);
    let echoed = 0;
    stream.addEventListener('message', ({ data }) => {
      echoed += data.byteLength;
    });
    stream.send(new Uint8Array(PING_BYTES));
    await stream.close();
    await until(() => echoed === PING_BYTES);
    await until(() => pings(answering).length === 0);
  });

  it('keeps nothing of a stream that was closed', async () => {
    const { answering, connection } = await pair();
    const seen: WeakRef<Stream>[] = [];
    for (let n = 0; n < 20; n += 1) {
      const stream = await connection.newStream(PING_PROTOCOL);
      await echo(stream, n);
      for (const open of pings(answering)) seen.push(new WeakRef(open));
      await stream.close();
      await until(() => pings(answering).length === 0);
    }
    expect(seen).toHaveLength(20);
    await until(() => {
      collectGarbage();
      return seen.filter(reference => reference.deref() !== undefined).length < 5;
    });
  });
});

async function echo(stream: Stream, n: number): Promise<void> {
  const bytes = byteStream(stream);
  const sent = Buffer.alloc(PING_BYTES, n);
  await bytes.write(sent);
  expect(sent.equals((await bytes.read({ bytes: PING_BYTES })).subarray())).toBe(true);
  bytes.unwrap();
}
