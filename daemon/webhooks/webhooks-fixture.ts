import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MESSAGE_EXAMPLE } from '#api/rest/examples';
import type { AuditEntry } from '#api/rest/tokens';
import type { WebhookInput } from '#api/rest/webhooks';
import { ManualClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { createFeed, type Feed } from '../feed/feed.ts';
import { openStore, type Store } from '../store/database.ts';
import { createPost, type Post } from './post.ts';
import { createWebhooks } from './webhooks.ts';

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly event: {
    readonly logId: string;
    readonly seq: number;
    readonly type: string;
    readonly data: Record<string, unknown>;
  };
}
/** A status, or `hang` for no answer at all. */
export type Behaviour = (
  received: Received,
) => number | 'hang' | { status: number; headers?: Record<string, string>; body?: string };

/** Somebody's HTTP server: keeps what came, answers as told. `taken` is what it answered with 2xx. */
export class Receiver implements AsyncDisposable {
  readonly all: Received[] = [];
  readonly taken: Received[] = [];
  behave: Behaviour = () => 204;
  /** Answers wait for it. */
  gate: Promise<void> = Promise.resolve();
  port = 0;
  #server: Server | null = null;

  async start(): Promise<this> {
    const server = createServer((request, reply) => {
      void Array.fromAsync(request as AsyncIterable<Buffer>).then(async chunks => {
        const body = Buffer.concat(chunks).toString();
        const received = { headers: request.headers, body, event: JSON.parse(body) as Received['event'] };
        this.all.push(received);
        await this.gate;
        const how = this.behave(received);
        if (how === 'hang') return;
        const answer = typeof how === 'number' ? { status: how } : how;
        if (answer.status < 300) this.taken.push(received);
        reply
          .writeHead(answer.status, 'headers' in answer ? answer.headers : {})
          .end('body' in answer ? answer.body : '');
      });
    });
    await new Promise<void>(resolve => server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
    return this;
  }

  /** As a machine that is off: the port answers nothing. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    server?.closeAllConnections();
    if (server) await new Promise(resolve => server.close(resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook`;
  }

  /** Seqs of what was taken, in order; of one conversation when told. */
  seqs(conversationId?: string): number[] {
    return this.taken
      .filter(({ event }) => conversationId === undefined || event.data['conversationId'] === conversationId)
      .map(({ event }) => event.seq);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** Webhooks over a real database and a real log, on a clock that stands still. */
export async function startWebhooks(
  options: { home?: string; clock?: ManualClock; post?: Post; isPrivate?: boolean } = {},
) {
  const home = options.home ?? mkdtempSync(join(tmpdir(), 'p2pmsg-webhooks-'));
  const clock = options.clock ?? new ManualClock();
  const store: Store = await openStore(home);
  const feed: Feed = createFeed({ store, clock }, { home, keepDays: 30, keepRows: 1_000_000 });
  const audited: AuditEntry[] = [];
  const webhooks = createWebhooks({
    store,
    feed,
    clock,
    log: silentLogger,
    post: options.post ?? createPost({ clock }, { version: '0' }),
    audit: entry => audited.push(entry),
    random: () => 0.5,
    isPrivate: async () => options.isPrivate ?? false,
  });
  webhooks.start();

  /** Until nothing goes on without the clock. */
  async function settle(): Promise<void> {
    for (let quiet = 0; quiet < 20; ) {
      await new Promise(resolve => setImmediate(resolve));
      quiet = webhooks.idle() ? quiet + 1 : 0;
      if (!webhooks.idle()) await new Promise(resolve => setTimeout(resolve, 1));
    }
  }

  return {
    home,
    clock,
    store,
    feed,
    webhooks,
    audited,
    settle,
    add: (receiver: { url: string }, more: Partial<WebhookInput> = {}) =>
      webhooks.create({ url: receiver.url, allowPrivate: true, ...more }),
    /** One message in each of these conversations, in this order. */
    send: (...conversations: readonly string[]): Promise<unknown> =>
      Promise.all(
        conversations.map(conversationId =>
          store.queue.commit(tx => {
            feed.append(tx, 'message.sent', { ...MESSAGE_EXAMPLE, conversationId } as never);
          }),
        ),
      ),
    /** Fires timers in their order, each after what the one before has set going has ended. */
    async pass(ms: number): Promise<void> {
      const endMs = clock.monotonicMs() + ms;
      await settle();
      for (;;) {
        const leftMs = endMs - clock.monotonicMs();
        const nextMs = clock.nextInMs();
        await clock.advance(Math.min(leftMs, nextMs ?? leftMs));
        await settle();
        if (nextMs === null || nextMs > leftMs) return;
      }
    },
    /** As after a kill: nothing is said goodbye to, the database is what was committed. */
    async kill(): Promise<void> {
      await store.close();
      feed.close();
    },
    async stop(): Promise<void> {
      await webhooks.stop();
      await store.close();
      feed.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
export type WebhooksFixture = Awaited<ReturnType<typeof startWebhooks>>;
