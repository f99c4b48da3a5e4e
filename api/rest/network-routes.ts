import { z } from 'zod';
import { BOOTSTRAP_EXAMPLE, DIAGNOSIS_EXAMPLE, NETWORK_EXAMPLE, RELAY_EXAMPLE } from './examples.ts';
import { addressInput, bootstrapState, type Diagnosis, diagnosis, network, relayState } from './node.ts';
import { peerId } from './primitives.ts';
import { defineRoutes } from './route.ts';

const peerParams = z.strictObject({ peerId });
const gone = { 204: { description: 'removed', schema: null } } as const;
const address = { address: RELAY_EXAMPLE.address } as const;

export const networkRoutes = defineRoutes({
  getNetwork: {
    method: 'GET',
    path: '/v1/network',
    tag: 'network',
    summary: 'How this daemon is reached: NAT, addresses, relays, bootstrap nodes',
    scope: 'network',
    replies: { 200: { description: 'the network as it is now', schema: network } },
    errors: [],
    example: { status: 200, reply: NETWORK_EXAMPLE },
  },
  addRelay: {
    method: 'POST',
    path: '/v1/network/relays',
    tag: 'network',
    summary: 'Uses a relay from now on; it is kept over restarts and wins over the configuration',
    scope: 'network',
    body: addressInput,
    replies: { 201: { description: 'the relay', schema: relayState } },
    errors: ['ADDRESS_INVALID', 'PEER_IS_SELF'],
    example: { body: address, status: 201, reply: RELAY_EXAMPLE },
  },
  removeRelay: {
    method: 'DELETE',
    path: '/v1/network/relays/{peerId}',
    tag: 'network',
    summary: 'Leaves a relay',
    scope: 'network',
    params: peerParams,
    replies: gone,
    errors: ['PEER_ID_INVALID', 'RELAY_NOT_FOUND'],
    example: { params: { peerId: RELAY_EXAMPLE.peerId }, status: 204 },
  },
  addBootstrap: {
    method: 'POST',
    path: '/v1/network/bootstrap',
    tag: 'network',
    summary: 'Uses a bootstrap node from now on',
    scope: 'network',
    body: addressInput,
    replies: { 201: { description: 'the bootstrap node', schema: bootstrapState } },
    errors: ['ADDRESS_INVALID', 'PEER_IS_SELF'],
    example: { body: address, status: 201, reply: BOOTSTRAP_EXAMPLE },
  },
  removeBootstrap: {
    method: 'DELETE',
    path: '/v1/network/bootstrap/{peerId}',
    tag: 'network',
    summary: 'Leaves a bootstrap node',
    scope: 'network',
    params: peerParams,
    replies: gone,
    errors: ['PEER_ID_INVALID', 'RELAY_NOT_FOUND'],
    example: { params: { peerId: BOOTSTRAP_EXAMPLE.peerId }, status: 204 },
  },
  checkNetwork: {
    method: 'POST',
    path: '/v1/network/check',
    tag: 'network',
    summary: 'Looks at relays and addresses anew; takes at most 15 seconds',
    scope: 'network',
    replies: { 200: { description: 'the network as it is now', schema: network } },
    errors: [],
    example: { status: 200, reply: NETWORK_EXAMPLE },
  },
  getDoctor: {
    method: 'GET',
    path: '/v1/doctor',
    tag: 'network',
    summary: 'What is well, what is not, and what to do about it',
    scope: 'network',
    replies: { 200: { description: 'the findings', schema: diagnosis } },
    errors: [],
    example: { status: 200, reply: DIAGNOSIS_EXAMPLE as unknown as Diagnosis },
  },
});
