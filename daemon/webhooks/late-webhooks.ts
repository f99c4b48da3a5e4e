import { late } from '../base/late.ts';
import type { createWebhooks, WebhooksDeps } from './webhooks.ts';

/** Webhooks that cost a daemon without any nothing: they are loaded when there is one, or when one is asked about. */
export function createLateWebhooks(
  deps: Omit<WebhooksDeps, 'post' | 'isPrivate' | 'random'>,
  options: { readonly version: string },
) {
  const { store, log } = deps;
  const first = store.prepare(db => db.selectFrom('webhooks').select('id').limit(1));
  let loading: Promise<ReturnType<typeof createWebhooks>> | null = null;

  async function build(): Promise<ReturnType<typeof createWebhooks>> {
    const [webhooks, post] = await Promise.all([import('./webhooks.ts'), import('./post.ts')]);
    const made = webhooks.createWebhooks({
      ...deps,
      post: post.createPost(deps, options),
      isPrivate: post.isPrivateTarget,
      random: Math.random,
    });
    made.start();
    return made;
  }
  const load = (): Promise<ReturnType<typeof createWebhooks>> => (loading ??= build());

  return {
    service: late(load),
    start(): void {
      if (first.get() === undefined) return;
      load().catch((error: unknown) => log.error({ err: String(error) }, 'webhooks could not be started'));
    },
    async stop(): Promise<void> {
      const webhooks = await loading?.catch(() => null);
      await webhooks?.stop();
    },
  };
}
