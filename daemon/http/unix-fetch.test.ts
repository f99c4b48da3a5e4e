import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createUnixFetch } from '#api/rest/unix-fetch';

describe('fetch over a unix socket', () => {
  let folder = '';
  const servers: Server[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'unix-fetch-'));
  });
  afterEach(async () => {
    await Promise.all(servers.splice(0).map(stop));
    rmSync(folder, { recursive: true });
  });
  const path = (): string => join(folder, 'api.sock');
  const start = async (listener: RequestListener): Promise<Server> => {
    const server = createServer(listener);
    servers.push(server);
    await new Promise<void>(resolve => server.listen(path(), resolve));
    return server;
  };
  const stop = async (server: Server): Promise<void> => {
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
  };
  const get = async (): Promise<string> => {
    const answer = await createUnixFetch(path())(new Request('http://localhost/x'));
    return answer.text();
  };

  it('does not meet the end of a connection that was used before', async () => {
    const used = new WeakSet<object>();
    // As a server that closes an idle connection in the moment in which the next request is written.
    await start((request, response) => {
      if (used.has(request.socket)) return void request.socket.destroy();
      used.add(request.socket);
      response.end('well');
    });
    for (let n = 0; n < 20; n += 1) expect(await get()).toBe('well');
  });

  it('reaches a server that has started anew', async () => {
    for (const name of ['one', 'two', 'three']) {
      const server = await start((_, response) => response.end(name));
      expect(await Promise.all(Array.from({ length: 20 }, get))).toEqual(Array.from({ length: 20 }, () => name));
      await stop(server);
      await expect(get()).rejects.toThrow();
    }
  });

  it('brings long answers whole to slow readers, many at a time', async () => {
    const long = 'y'.repeat(300_000);
    await start((_, response) => {
      response.write(long.slice(0, 10));
      setImmediate(() => response.end(long.slice(10)));
    });
    const answers = await Promise.all(
      Array.from({ length: 30 }, async () => {
        const answer = await createUnixFetch(path())(new Request('http://localhost/x'));
        let length = 0;
        for await (const chunk of answer.body ?? []) {
          length += chunk.length;
          await new Promise(resolve => setImmediate(resolve));
        }
        return length;
      }),
    );
    expect(new Set(answers)).toEqual(new Set([long.length]));
  });

  it('can be given up at any time, also when nobody holds the request any more', async () => {
    await start((_, response) => response.write('an answer that does not end'));
    const leaving = new AbortController();
    const ask = (): Promise<Response> =>
      createUnixFetch(path())(new Request('http://localhost/x', { signal: leaving.signal }));
    const answer = (await ask()).text();
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    for (let turn = 0; turn < 5; turn += 1) {
      collect();
      await new Promise(resolve => setImmediate(resolve));
    }
    leaving.abort();
    await expect(answer).rejects.toThrow();
  });
});
