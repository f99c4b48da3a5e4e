import { readFile } from 'node:fs/promises';
import { AppError } from '#api/errors';
import type { nodeRoutes } from '#api/rest/node-routes';
import type { About } from '#api/rest/node';
import type { HandlersOf } from './operation.ts';
import type { Services } from './services.ts';
import { statusPage } from './status-page.ts';

export interface NodeHandlerDeps {
  readonly services: Pick<Services, 'node' | 'peers' | 'health'>;
  readonly about: About;
  /** The metrics of the whole daemon in the Prometheus text format. */
  readonly metrics: () => Promise<string>;
  /** Folder with openapi.yaml and asyncapi.yaml. */
  readonly descriptionFolder: URL;
}

export function nodeHandlers(deps: NodeHandlerDeps): HandlersOf<typeof nodeRoutes> {
  const { node, peers, health } = deps.services;
  const page = statusPage(deps.about);
  let docs: { readonly html: string; readonly csp: string } | null = null;
  const description = (name: string): Promise<string> => readFile(new URL(name, deps.descriptionFolder), 'utf8');

  return {
    getPage: () => ({ status: 200, body: page }),
    async getDocs() {
      // 300 ms and 5 MB that most daemons never need.
      const { docsPage } = await import('./docs-page.ts');
      const { html, csp } = (docs ??= docsPage(deps.about));
      return { status: 200, body: html, headers: { 'content-security-policy': csp } };
    },
    getOpenApi: async () => ({ status: 200, body: await description('openapi.yaml') }),
    getAsyncApi: async () => ({ status: 200, body: await description('asyncapi.yaml') }),
    getHealth: () => ({ status: 200, body: { status: 'ok' } }),
    getReadiness() {
      if (health.stopping()) throw new AppError('STOPPING');
      const faults = health.faults();
      if (faults.length > 0) throw new AppError('STORE_READ_ONLY', { detail: faults.join(' ') });
      const degraded = health.degraded();
      if (degraded.length === 0) return { status: 200, body: { status: 'ready' } };
      return { status: 200, body: { status: 'degraded', degraded: [...degraded] } };
    },
    getMetrics: async () => ({ status: 200, body: await deps.metrics() }),
    getAbout: () => ({ status: 200, body: deps.about }),
    getNode: () => ({ status: 200, body: node.get() }),
    async patchNode({ body: { name, discoverable } }) {
      const change = {
        ...(name === undefined ? {} : { name }),
        ...(discoverable === undefined ? {} : { discoverable }),
      };
      return { status: 200, body: await node.patch(change) };
    },
    listPeers: ({ query }) => ({ status: 200, body: peers.list(query) }),
    async refreshPeers() {
      await peers.refresh();
      return { status: 204 };
    },
    pingPeer: async ({ params }) => ({ status: 200, body: await peers.ping(params.peerId) }),
  };
}
