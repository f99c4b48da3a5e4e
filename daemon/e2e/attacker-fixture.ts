import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Web pages of somebody who means harm, under any name that leads to this machine; no policy holds them back. */
export interface Attacker extends AsyncDisposable {
  readonly port: number;
}

/**
 * `/` is an empty page, `/worker.js` a service worker that answers `/from-worker?u=URL` with what it gets from URL,
 * `/to?u=URL&s=307` a redirect.
 */
export async function startAttacker(): Promise<Attacker> {
  const server = createServer((request, reply) => {
    const url = new URL(request.url ?? '/', 'http://x');
    const target = url.searchParams.get('u') ?? '';
    if (url.pathname === '/to') return reply.writeHead(Number(url.searchParams.get('s')), { location: target }).end();
    if (url.pathname === '/worker.js')
      return reply.writeHead(200, { 'content-type': 'text/javascript', 'service-worker-allowed': '/' }).end(WORKER);
    return reply.writeHead(200, { 'content-type': 'text/html' }).end(PAGE);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

export const PAGE = '<!doctype html><title>harmless</title><body>Look, a cat.';
const WORKER = `
self.addEventListener('install', event => event.waitUntil(self.skipWaiting()));
self.addEventListener('activate', event => event.waitUntil(self.clients.claim()));
self.addEventListener('fetch', event => {
  const at = new URL(event.request.url);
  if (at.pathname !== '/from-worker') return;
  event.respondWith(fetch(at.searchParams.get('u'), { mode: at.searchParams.get('m'), credentials: 'include' })
    .then(async answer => new Response(answer.type + ' ' + await answer.text()), error => new Response('failed ' + error)));
});`;
