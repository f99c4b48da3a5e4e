import { InvalidArgumentError } from 'commander';
import { LOBBY_ID, SELF_ID } from '#api/ids';
import { ApiError, dataOf } from '#api/rest/client';
import type { Api, Message } from './api.ts';
import { contactsOf } from './api.ts';
import type { Cli } from './command.ts';
import { shortId } from './contact-commands.ts';
import { CliFailure, EXIT } from './failure.ts';
import type { Output } from './output.ts';
import { shortTime } from './output.ts';
import { indented, oneLine } from './terminal-text.ts';
import { contactId } from './who.ts';

/** The daemon waits at most so long in one request; longer waits ask again. */
const ONE_WAIT_S = 30;
const ASK_AGAIN_MS = 500;
const ID_EXAMPLE = '0198c9f2-6d3c-7b51-9e0a-3f1c5d7e9a10';

export function messageCommands(cli: Cli): void {
  cli
    .command(
      'send <who> <text>',
      'send a text; - reads it from stdin; prints the id',
      'echo hello | p2pmsg send Bob - --wait 10',
    )
    .option('--wait <seconds>', 'wait for delivery; exit code 6 when it has not come by then', wholeNumber)
    .option('--id <uuid>', 'UUIDv7 of the message: sending it twice stores it once')
    .action((who: string, text: string, options: { wait?: number; id?: string }) =>
      cli.run(
        async ({ api, out }) => {
          const peerId = await contactId(api, who);
          const body = { text: await cli.text(text), ...(options.id === undefined ? {} : { id: options.id }) };
          await send(api, out, peerId, body, options.wait ?? 0);
        },
        { atLeastMs: ((options.wait ?? 0) + 5) * 1000 },
      ),
    );

  cli
    .command('read <who>', 'show the latest messages and mark them as read', 'p2pmsg read Bob --limit 20')
    .option('--limit <n>', 'how many, up to 200', wholeNumber, 50)
    .option('--keep-unread', 'do not mark them as read')
    .action((who: string, options: { limit: number; keepUnread?: boolean }) =>
      cli.run(async ({ api, out }) => {
        const peerId = await contactId(api, who);
        const messages = await show(api, out, peerId, options.limit);
        const newest = messages.findLast(message => message.direction === 'in' && message.state === 'received');
        if (!options.keepUnread && newest)
          await dataOf(api.client.POST('/v1/conversations/{id}/read', { ...of(peerId), body: { upTo: newest.id } }));
      }),
    );

  cli
    .command(
      'lobby [text]',
      'show the public lobby, or say something in it; - reads stdin',
      'p2pmsg lobby "hello everybody"',
    )
    .option('--limit <n>', 'how many messages, up to 200', wholeNumber, 50)
    .action((text: string | undefined, options: { limit: number }) =>
      cli.run(async ({ api, out }) => {
        out.note('The lobby is public and not encrypted.');
        if (text === undefined) await show(api, out, LOBBY_ID, options.limit);
        else await send(api, out, LOBBY_ID, { text: await cli.text(text) }, 0);
      }),
    );

  cli
    .command('notes [text]', 'show your notes, or write one; - reads stdin', 'p2pmsg notes "buy milk"')
    .option('--limit <n>', 'how many, up to 200', wholeNumber, 50)
    .action((text: string | undefined, options: { limit: number }) =>
      cli.run(async ({ api, out }) => {
        if (text === undefined) await show(api, out, SELF_ID, options.limit);
        else await send(api, out, SELF_ID, { text: await cli.text(text) }, 0);
      }),
    );

  cli.command('trace <id>', 'what was tried to deliver a message', `p2pmsg trace ${ID_EXAMPLE}`).action((id: string) =>
    cli.run(async ({ api, out }) => {
      const [message, trace] = await Promise.all([
        dataOf(api.client.GET('/v1/messages/{id}', of(id))),
        dataOf(api.client.GET('/v1/messages/{id}/trace', of(id))),
      ]);
      if (out.json) return out.result({ id: message.id, state: message.state, reason: message.reason, ...trace }, '');
      out.result(message, `${stateOf(message)}, ${trace.attemptsTotal} attempts`);
      out.table(
        trace.attempts,
        [
          { title: 'TIME', value: attempt => shortTime(attempt.atUnixMs) },
          { title: 'PATH', value: attempt => attempt.path ?? '' },
          { title: 'RELAY', value: attempt => (attempt.relay ? shortId(attempt.relay) : '') },
          { title: 'OUTCOME', value: attempt => attempt.outcome },
          { title: 'CODE', value: attempt => attempt.code ?? '', shrink: true },
          { title: 'MS', value: attempt => String(attempt.durationMs) },
          { title: 'WHY NO BETTER PATH', value: attempt => attempt.note ?? '', shrink: true },
        ],
        'Nothing was tried yet.',
      );
    }),
  );

  for (const [verb, description] of [
    ['retry', 'try to deliver a message now'],
    ['cancel', 'take back a message that was not sealed yet'],
  ] as const)
    cli.command(`${verb} <id>`, description, `p2pmsg ${verb} ${ID_EXAMPLE}`).action((id: string) =>
      cli.run(async ({ api, out }) => {
        const message = await dataOf(api.client.POST(`/v1/messages/{id}/${verb}`, of(id)));
        out.result(message, stateOf(message));
      }),
    );
}

async function send(
  api: Api,
  out: Output,
  conversation: string,
  body: { text: string; id?: string },
  waitS: number,
): Promise<void> {
  const deadlineMs = performance.now() + waitS * 1000;
  const header = waitS > 0 ? { header: { Prefer: `wait=${Math.min(waitS, ONE_WAIT_S)}` } } : {};
  const params = { ...of(conversation).params, ...header };
  let message = await dataOf(api.client.POST('/v1/conversations/{id}/messages', { params, body }));
  while (isOnItsWay(message) && performance.now() < deadlineMs) {
    await new Promise(resolve => setTimeout(resolve, ASK_AGAIN_MS));
    message = await dataOf(api.client.GET('/v1/messages/{id}', of(message.id)));
  }
  out.result(message, message.id);
  if (message.state === 'failed' || message.state === 'expired')
    throw new CliFailure(EXIT.failed, `${message.id}: ${stateOf(message)}`);
  if (waitS > 0 && isOnItsWay(message))
    throw new CliFailure(EXIT.timedOut, `not delivered after ${waitS} s: ${stateOf(message)}. It stays in the outbox`);
}

const of = (id: string) => ({ params: { path: { id } } });
const isOnItsWay = ({ state }: Message): boolean => state === 'queued' || state === 'mailbox';
const stateOf = ({ state, reason }: Message): string => (reason ? `${state} (${reason})` : state);

async function show(api: Api, out: Output, conversation: string, limit: number): Promise<Message[]> {
  const params = { ...of(conversation).params, query: { limit } };
  const { items } = await dataOf(api.client.GET('/v1/conversations/{id}/messages', { params }));
  const names = out.json ? new Map<string, string>() : await namesOf(api);
  for (const message of items) out.result(message, messageText(message, names));
  if (items.length === 0) out.note('No messages yet.');
  return items;
}

/** Names of contacts by PeerId; empty when the token may not see contacts. */
export async function namesOf(api: Api): Promise<Map<string, string>> {
  try {
    const contacts = await contactsOf(api);
    return new Map(contacts.map(contact => [contact.peerId, contact.name]));
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return new Map();
    throw error;
  }
}

export function messageText(message: Message, names: ReadonlyMap<string, string>): string {
  const time = shortTime(message.sentAtUnixMs);
  const isOwn = message.direction === 'out';
  const author = isOwn ? 'me' : oneLine(names.get(message.from) ?? shortId(message.from));
  // Of a note there is nothing to say.
  const state = isOwn && message.conversationId !== SELF_ID ? `  [${stateOf(message)}]` : '';
  return `${time} ${author}: ${indented(message.text, '      ')}${state}`;
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('must be a whole number.');
  return Number(text);
}
