import { once } from 'node:events';
import { InvalidArgumentError, Option } from 'commander';
import { LOBBY_ID, SELF_ID } from '#api/ids';
import { dataOf } from '#api/rest/client';
import { durationSeconds } from './access-commands.ts';
import type { Api } from './api.ts';
import type { Cli } from './command.ts';
import { CliFailure, EXIT } from './failure.ts';
import { oneLine } from './terminal-text.ts';
import { contactId } from './who.ts';

interface Which {
  readonly notes?: true;
  readonly lobby?: true;
}

const MAX_DAYS = 36_500;

/** How long messages are kept, and how to take them along. */
export function historyCommands(cli: Cli, context: { readonly stdout: NodeJS.WriteStream }): void {
  cli
    .command(
      'keep <who>',
      'show or set how long messages with a contact are kept',
      'p2pmsg keep Bob --days 90 --disappear 1d',
    )
    .option('--days <n>', 'delete what is older, on this side; "forever" keeps everything', days)
    .option('--disappear <duration>', 'delete on both sides so long after reading: 30s, 1h, 7d; "off"', lifetime)
    .action((who: string, options: { days?: number | 'forever'; disappear?: number }) =>
      cli.run(async ({ api, out }) => {
        const params = { path: { id: await contactId(api, who) } };
        const body = {
          ...(options.days === undefined ? {} : { keepDays: options.days === 'forever' ? null : options.days }),
          ...(options.disappear === undefined ? {} : { disappearAfterSeconds: options.disappear }),
        };
        const conversation = await dataOf(
          Object.keys(body).length === 0
            ? api.client.GET('/v1/conversations/{id}', { params })
            : api.client.PATCH('/v1/conversations/{id}', { params, body }),
        );
        const { keepDays, disappearAfterSeconds } = conversation;
        const kept = keepDays === undefined ? 'kept for ever' : `kept here for ${keepDays} days`;
        const gone =
          disappearAfterSeconds === undefined
            ? 'they do not disappear'
            : `new ones disappear on both sides ${spoken(disappearAfterSeconds)} after reading`;
        out.result(conversation, `Messages are ${kept}; ${gone}.`);
      }),
    );

  cli
    .command('export [who]', 'print a whole conversation, oldest first', 'p2pmsg export Bob --format markdown > bob.md')
    .addOption(
      new Option('--format <format>', 'one JSON object a line, or a page to read')
        .choices(['ndjson', 'markdown'])
        .default('ndjson'),
    )
    .option('--notes', 'your notes')
    .option('--lobby', 'the public lobby')
    .action((who: string | undefined, options: Which & { format: 'ndjson' | 'markdown' }) =>
      cli.run(
        async ({ api }) => {
          const params = { path: { id: await conversationId(api, who, options) } };
          const body = await dataOf(
            options.format === 'ndjson'
              ? api.client.GET('/v1/conversations/{id}/export.ndjson', { params, parseAs: 'stream' })
              : api.client.GET('/v1/conversations/{id}/export.md', { params, parseAs: 'stream' }),
          );
          await print(body as unknown as ReadableStream<Uint8Array>, context.stdout);
        },
        { atLeastMs: Number.POSITIVE_INFINITY },
      ),
    );
}

async function conversationId(api: Api, who: string | undefined, { notes, lobby }: Which): Promise<string> {
  if ([who !== undefined, notes, lobby].filter(Boolean).length !== 1)
    throw new CliFailure(EXIT.usage, 'give one of WHO, --notes and --lobby');
  if (notes) return SELF_ID;
  return lobby ? LOBBY_ID : contactId(api, who as string);
}

/** As it is into a file; on a terminal what is harmful there is shown as its code. */
async function print(body: ReadableStream<Uint8Array>, stdout: NodeJS.WriteStream): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of body) {
    const piece = stdout.isTTY ? decoder.decode(bytes, { stream: true }).split('\n').map(oneLine).join('\n') : bytes;
    if (!stdout.write(piece)) await once(stdout, 'drain');
  }
}

function days(text: string): number | 'forever' {
  if (text === 'forever') return text;
  const count = Number(text);
  if (!/^\d{1,5}$/.test(text) || count < 1 || count > MAX_DAYS)
    throw new InvalidArgumentError(`must be 1 to ${MAX_DAYS}, or "forever".`);
  return count;
}

const lifetime = (text: string): number => (text === 'off' ? 0 : durationSeconds(text));

function spoken(seconds: number): string {
  for (const [length, name] of [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
  ] as const)
    if (seconds % length === 0) return `${seconds / length} ${name}`;
  return `${seconds} s`;
}
