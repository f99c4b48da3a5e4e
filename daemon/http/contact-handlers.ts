import type { contactRoutes } from '#api/rest/contact-routes';
import type { HandlersOf } from './operation.ts';
import type { Services } from './services.ts';

const named = (name: string | undefined): { name?: string } => (name === undefined ? {} : { name });

export function contactHandlers(deps: {
  readonly services: Pick<Services, 'contacts' | 'requests' | 'invites'>;
}): HandlersOf<typeof contactRoutes> {
  const { contacts, requests, invites } = deps.services;
  return {
    listContacts: ({ query }) => ({ status: 200, body: contacts.list(query) }),
    async addContact({ body }) {
      const { contact, created } = await contacts.add({ address: body.address, ...named(body.name) });
      return { status: created ? 201 : 200, body: contact };
    },
    getContact: ({ params }) => ({ status: 200, body: contacts.get(params.peerId) }),
    patchContact: async ({ params, body }) => ({
      status: 200,
      body: await contacts.patch(params.peerId, named(body.name)),
    }),
    async removeContact({ params, query }) {
      await contacts.remove(params.peerId, { deleteHistory: query.history === 'delete' });
      return { status: 204 };
    },
    blockContact: async ({ params }) => ({ status: 200, body: await contacts.block(params.peerId) }),
    unblockContact: async ({ params }) => ({ status: 200, body: await contacts.unblock(params.peerId) }),
    verifyContact: async ({ params, body }) => ({
      status: 200,
      body: await contacts.verify(params.peerId, body.verified),
    }),
    acceptContactKey: async ({ params }) => ({ status: 200, body: await contacts.acceptKey(params.peerId) }),
    getSafetyNumber: ({ params }) => ({ status: 200, body: contacts.safetyNumber(params.peerId) }),

    listRequests: ({ query }) => ({ status: 200, body: requests.list(query) }),
    acceptRequest: async ({ params, body }) => ({
      status: 200,
      body: await requests.accept(params.peerId, named(body.name)),
    }),
    async ignoreRequest({ params }) {
      await requests.ignore(params.peerId);
      return { status: 204 };
    },
    async blockRequest({ params }) {
      await requests.block(params.peerId);
      return { status: 204 };
    },

    async createInvite({ body: { note, ...rest } }) {
      return { status: 201, body: await invites.create({ ...rest, ...(note === undefined ? {} : { note }) }) };
    },
    listInvites: ({ query }) => ({ status: 200, body: invites.list(query) }),
    async removeInvite({ params, query }) {
      await invites.remove(params.id, { quarantine: query.contacts === 'quarantine' });
      return { status: 204 };
    },
  };
}
