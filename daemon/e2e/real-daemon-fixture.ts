import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Logger, silentLogger } from '../base/logger.ts';
import { loadConfig } from '../config-sources.ts';
import { createDaemon } from '../daemon.ts';
import { openHome } from '../home.ts';

/** The whole daemon in this process, with its real store, alone: it opens no port but the API's. */
export interface RealDaemon extends AsyncDisposable {
  readonly api: string;
  readonly home: string;
  readonly database: string;
  readonly adminToken: string;
}

export async function startRealDaemon(options: { readonly log?: Logger } = {}): Promise<RealDaemon> {
  const folder = mkdtempSync(join(tmpdir(), 'p2pmsg-e2e-'));
  const home = join(folder, 'home');
  openHome(home);
  const flags = {
    'api.listen': '127.0.0.1:0',
    'net.listen': [],
    'net.mdns': false,
    'net.upnp': false,
    'net.dht': 'off',
  };
  const { config, secrets } = loadConfig({ home, env: {}, flags });
  const daemon = await createDaemon({
    config,
    secrets,
    home,
    version: '0.0.0-test',
    log: options.log ?? silentLogger,
    onFatal: error => {
      throw error;
    },
  });
  const { api } = await daemon.start();
  return {
    api,
    home,
    database: join(home, 'p2pmsg.db'),
    adminToken: readFileSync(join(home, 'admin-token'), 'utf8').trim(),
    async [Symbol.asyncDispose]() {
      await daemon.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
