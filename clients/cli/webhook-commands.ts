import type { Command } from 'commander';
import { dataOf } from '#api/rest/client';
import type { components } from '#api/rest/openapi.gen';
import { type Api, allOf } from './api.ts';
import type { Cli } from './command.ts';
import { facts } from './facts.ts';
import { CliFailure, EXIT } from './failure.ts';
import { wholeNumber } from './message-commands.ts';
import { type Output, shortTime } from './output.ts';
import { oneLine } from './terminal-text.ts';
import { contactId } from './who.ts';

type Webhook = components['schemas']['Webhook'];
type Delivery = components['schemas']['WebhookDelivery'];

const SHOWN_DELIVERIES = 10;

interface AddOptions {
  readonly types?: string;
  readonly conversation?: string;
  readonly name?: string;
  readonly allowPrivate?: true;
}

export function webhookCommands(cli: Cli): void {
  const webhook = cli.command(
    'webhook',
    'send events to a URL of yours, signed, until they are taken',
    'p2pmsg webhook list',
  );
  cli
    .command(
      'add <url>',
      'send what comes from now on; the secret to check signatures with is shown once',
      'p2pmsg webhook add http://localhost:8080/hook --allow-private --types message.received',
      webhook,
    )
    .option('--types <list>', 'only these: message.*,peer.online')
    .option('--conversation <who>', 'only what is about this contact, or lobby')
    .option('--name <text>', 'what you call it')
    .option('--allow-private', 'the URL may lead to this machine or into your own network')
    .action((url: string, options: AddOptions) =>
      cli.run(async ({ api, out }) => {
        const body = {
          url,
          ...(options.types === undefined ? {} : { types: options.types.split(',') }),
          ...(options.conversation === undefined
            ? {}
            : { conversationId: await conversationOf(api, options.conversation) }),
          ...(options.name === undefined ? {} : { name: options.name }),
          allowPrivate: options.allowPrivate === true,
        };
        const made = await dataOf(api.client.POST('/v1/webhooks', { body }));
        out.result(made, made.secret);
        out.note(`webhook ${made.id}; the line above is its secret, shown this once`);
      }),
    );
  cli
    .command('list', 'list webhooks, their state and how far they are behind', 'p2pmsg webhook list', webhook)
    .action(() =>
      cli.run(async ({ api, out }) => {
        out.table(
          await webhooksOf(api),
          [
            { title: 'ID', value: row => row.id, shrink: true },
            { title: 'NAME', value: row => row.name ?? '', shrink: true },
            { title: 'URL', value: row => row.url, shrink: true },
            { title: 'STATE', value: stateText },
            { title: 'LAG', value: row => String(row.lag) },
          ],
          'No webhooks.',
        );
      }),
    );
  about(cli, webhook, 'show', 'show a webhook and its last requests', async ({ api, out }, id) => {
    const shown = await dataOf(api.client.GET('/v1/webhooks/{id}', of(id)));
    const { items } = await dataOf(
      api.client.GET('/v1/webhooks/{id}/deliveries', {
        params: { path: { id }, query: { limit: SHOWN_DELIVERIES } },
      }),
    );
    out.result({ ...shown, deliveries: items }, webhookText(shown, items, out));
  });
  about(cli, webhook, 'remove', 'remove a webhook', async ({ api, out }, id) => {
    await dataOf(api.client.DELETE('/v1/webhooks/{id}', of(id)));
    out.note('removed');
  });
  about(cli, webhook, 'test', 'send one event of type webhook.test now', async ({ api, out }, id) => {
    const result = await dataOf(api.client.POST('/v1/webhooks/{id}/test', of(id)));
    if (!result.delivered) throw new CliFailure(EXIT.failed, `not taken: ${result.error ?? 'no answer'}`);
    out.result(result, `taken with status ${result.status} in ${result.durationMs} ms`);
  });
  about(cli, webhook, 'resume', 'go on with a parked webhook where it stopped', async ({ api, out }, id) => {
    const now = await dataOf(api.client.POST('/v1/webhooks/{id}/resume', of(id)));
    out.result(now, `${stateText(now)}, ${now.lag} events to go`);
  });
  for (const [verb, enabled, what] of [
    ['disable', false, 'send nothing for now; the place is kept'],
    ['enable', true, 'send again, from where it was disabled'],
  ] as const)
    about(cli, webhook, verb, what, async ({ api, out }, id) => {
      const now = await dataOf(api.client.PATCH('/v1/webhooks/{id}', { ...of(id), body: { enabled } }));
      out.result(now, stateText(now));
    });
  about(cli, webhook, 'redeliver', 'send everything after a seq again', async ({ api, out }, id, { after }) => {
    const body = { after: after as number };
    const now = await dataOf(api.client.POST('/v1/webhooks/{id}/redeliver', { ...of(id), body }));
    out.result(now, `${stateText(now)}, ${now.lag} events to go`);
  }).requiredOption('--after <seq>', 'the last seq that is not sent again', wholeNumber);
  about(
    cli,
    webhook,
    'rotate-secret',
    'make a new secret, shown once; for 24 hours the old one signs as well',
    async ({ api, out }, id) => {
      const made = await dataOf(api.client.POST('/v1/webhooks/{id}/rotate-secret', of(id)));
      out.result(made, made.secret);
      out.note(`the old secret signs too until ${shortTime(made.previousUntilUnixMs)}`);
    },
  );
}

/** A command about one webhook: id, 4 or more of its first characters, or name. */
function about(
  cli: Cli,
  parent: Command,
  verb: string,
  description: string,
  action: (session: { api: Api; out: Output }, id: string, options: { after?: number }) => Promise<void>,
): Command {
  const example = `p2pmsg webhook ${verb} 8d7a4b1e${verb === 'redeliver' ? ' --after 1200' : ''}`;
  return cli
    .command(`${verb} <id>`, description, example, parent)
    .action((text: string, options: { after?: number }) =>
      cli.run(async session => action(session, await webhookId(session.api, text), options)),
    );
}

const webhooksOf = (api: Api): Promise<Webhook[]> =>
  allOf(query => api.client.GET('/v1/webhooks', { params: { query } }));
const of = (id: string) => ({ params: { path: { id } } });
const conversationOf = async (api: Api, who: string): Promise<string> =>
  who === 'lobby' || who === 'self' ? who : contactId(api, who);

const SHORTEST_ID = 4;

async function webhookId(api: Api, text: string): Promise<string> {
  const all = await webhooksOf(api);
  const hits = all.filter(
    ({ id, name }) => id === text || name === text || (text.length >= SHORTEST_ID && id.startsWith(text)),
  );
  const [hit, ...others] = hits;
  if (hit === undefined) throw new CliFailure(EXIT.notFound, `there is no webhook ${oneLine(text)}`);
  if (others.length > 0)
    throw new CliFailure(EXIT.usage, `${oneLine(text)} fits ${hits.length} webhooks, give more of the id`);
  return hit.id;
}

const stateText = ({ state, reason }: Webhook): string => (reason === undefined ? state : `${state} (${reason})`);

function webhookText(shown: Webhook, deliveries: readonly Delivery[], out: Output): string {
  const lines: [string, string][] = [
    ['Id', shown.id],
    ['Name', oneLine(shown.name ?? '')],
    ['URL', `${oneLine(shown.url)}${shown.allowPrivate ? ' (private allowed)' : ''}`],
    ['Types', shown.types?.join(',') ?? 'all'],
    ['About', oneLine(shown.conversationId ?? 'all conversations')],
    ['State', stateText(shown)],
    ['Taken up to', `${shown.ackedSeq}, ${shown.lag} to go`],
  ];
  const requests = deliveries.map(
    one =>
      `${shortTime(one.atUnixMs)} event ${one.eventSeq}: ${oneLine(one.error ?? `status ${one.status}`)}, ${one.durationMs} ms`,
  );
  return [
    facts(
      lines.filter(([, value]) => value !== ''),
      out,
    ),
    ...requests,
  ].join('\n');
}
