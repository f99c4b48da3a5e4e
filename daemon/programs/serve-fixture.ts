import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseHostPort } from '../config.ts';
import { takeLock } from '../store/lock.ts';
import { runProgram } from './program.ts';

/**
 * `p2pmsgd` with a daemon that only answers /healthz, for tests of what is around the daemon. FAKE_STOP=hang never
 * stops; FAKE_FATAL=1 reports a fatal fault after the start; FAKE_THROW=1 throws outside any promise;
 * FAKE_START=wait starts, and with FAKE_WEDGE=1 the event loop hangs for ever, on SIGUSR2.
 */
const exitCode = await runProgram(process.argv, {
  version: '0.0.0-test',
  takeLock: async home => takeLock(home),
  createDaemon: async ({ config, onFatal }) => {
    const server = createServer((_request, reply) => reply.end('{"status":"ok"}'));
    return {
      async start() {
        if (process.env['FAKE_START'] === 'wait')
          await new Promise<void>(resolve => {
            process.once('SIGUSR2', resolve);
            process.stderr.write('start waits\n');
          });
        if (process.env['FAKE_WEDGE'])
          process.once('SIGUSR2', () => {
            for (;;);
          });
        const at = parseHostPort(config.api.listen);
        await new Promise<void>((resolve, reject) => {
          server.once('error', reject);
          server.listen(at?.port, at?.host, resolve);
        });
        if (process.env['FAKE_FATAL']) setImmediate(() => onFatal(new Error('fsync failed')));
        if (process.env['FAKE_THROW'])
          setImmediate(() => {
            throw new Error('a bug');
          });
        const { address, port } = server.address() as AddressInfo;
        return { peerId: '12D3KooWFake', api: `http://${address}:${port}`, addresses: ['/ip4/127.0.0.1/tcp/1'] };
      },
      async stop() {
        if (process.env['FAKE_STOP'] === 'hang') await new Promise(() => undefined);
        server.close();
      },
      reload: async () => undefined,
    };
  },
});
process.exit(exitCode);
