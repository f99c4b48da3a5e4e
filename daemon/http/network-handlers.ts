import type { networkRoutes } from '#api/rest/network-routes';
import type { HandlersOf } from './operation.ts';
import type { Services } from './services.ts';

export function networkHandlers(deps: {
  readonly services: Pick<Services, 'network'>;
}): HandlersOf<typeof networkRoutes> {
  const { network } = deps.services;
  return {
    getNetwork: () => ({ status: 200, body: network.get() }),
    addRelay: async ({ body }) => ({ status: 201, body: await network.addRelay(body.address) }),
    async removeRelay({ params }) {
      await network.removeRelay(params.peerId);
      return { status: 204 };
    },
    addBootstrap: async ({ body }) => ({ status: 201, body: await network.addBootstrap(body.address) }),
    async removeBootstrap({ params }) {
      await network.removeBootstrap(params.peerId);
      return { status: 204 };
    },
    checkNetwork: async () => ({ status: 200, body: await network.check() }),
    getDoctor: async () => ({ status: 200, body: await network.doctor() }),
  };
}
