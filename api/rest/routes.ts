import { consumerRoutes } from './consumer-routes.ts';
import { contactRoutes } from './contact-routes.ts';
import { conversationRoutes } from './conversation-routes.ts';
import { eventRoutes } from './event-routes.ts';
import { networkRoutes } from './network-routes.ts';
import { nodeRoutes } from './node-routes.ts';
import type { Route } from './route.ts';
import { searchRoutes } from './search-routes.ts';
import { tokenRoutes } from './token-routes.ts';
import { webhookRoutes } from './webhook-routes.ts';

/**
 * Every operation of the API: operationId → method, path, shapes, scope, error codes, example. Server, client,
 * openapi.yaml and tests are made from it; entries are added, never changed.
 */
export const ROUTES = {
  ...nodeRoutes,
  ...contactRoutes,
  ...conversationRoutes,
  ...searchRoutes,
  ...eventRoutes,
  ...networkRoutes,
  ...tokenRoutes,
  ...webhookRoutes,
  ...consumerRoutes,
} as const satisfies Readonly<Record<string, Route>>;

export type Routes = typeof ROUTES;
export type OperationId = keyof Routes;
/** The table without the exact types, for code that treats all operations alike. */
export const routeOf = (operation: OperationId): Route => ROUTES[operation];
export const OPERATIONS = Object.keys(ROUTES) as OperationId[];
