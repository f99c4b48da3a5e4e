import { spawn } from 'node:child_process';
import { InvalidArgumentError } from 'commander';
import { dataOf } from '#api/rest/client';
import type { FollowedEvent } from '#api/rest/follow-events';
import type { Api, Message } from './api.ts';
import type { Cli } from './command.ts';
import { shortId } from './contact-commands.ts';
import { messageText, namesOf, wholeNumber } from './message-commands.ts';
import { shortTime } from './output.ts';
import { oneLine, safeJson } from './terminal-text.ts';

interface TailOptions {
  readonly after?: number | 'head';
  readonly consumer?: string;
  readonly types?: string;
  readonly exec?: string;
  readonly count?: number;
}

export function tailCommand(cli: Cli): void {
  cli
    .command(
      'tail',
      'follow events; with --json one event object a line, ready to go on after its seq',
      'p2pmsg tail --after 0 --json',
    )
    .option('--after <seq>', 'events after this one; 0 is from the oldest, head (default) only new ones', cursor)
    .option('--consumer <name>', 'go on after what was printed under this name before; made when it is new')
    .option(
      '--exec <command>',
      'run it for each event, which it gets on stdin; an event counts as printed when the command has ended with 0',
    )
    .option('--types <list>', 'only these: message.*,peer.online')
    .option('--count <n>', 'end after so many events', wholeNumber)
    .action((options: TailOptions) =>
      cli.run(
        async ({ api, out }) => {
          const names = out.json ? new Map<string, string>() : await namesOf(api);
          let left = options.count ?? Number.POSITIVE_INFINITY;
          if (left === 0) return;
          const consumer = options.consumer === undefined ? null : await openConsumer(api, options.consumer, options);
          const from = consumer === null ? { after: options.after ?? ('head' as const) } : { consumer: consumer.name };
          for await (const event of api.events({ ...from, types: options.types })) {
            if (options.exec === undefined) out.result(event, eventText(event, names));
            else await runSurely(options.exec, event, text => out.note(text));
            left -= 1;
            consumer?.printed(event.seq);
            if (left === 0) break;
          }
          await consumer?.end();
        },
        { atLeastMs: Number.POSITIVE_INFINITY },
      ),
    );
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** Again and again until the command takes the event: the next one must not overtake it. */
async function runSurely(command: string, event: FollowedEvent, tell: (text: string) => void): Promise<void> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
    const code = await run(command, event);
    if (code === 0) return;
    tell(`event ${event.seq}: the command ended with ${code ?? 'a signal'}; again in ${pauseMs / 1_000} s`);
    await new Promise(resolve => setTimeout(resolve, pauseMs));
  }
}

function run(command: string, event: FollowedEvent): Promise<number | null> {
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  const child = spawn('/bin/sh', ['-c', command], { stdio: ['pipe', 'inherit', 'inherit'] });
  child.on('error', reject);
  child.on('exit', resolve);
  // A command that does not read has taken it all the same.
  child.stdin.on('error', () => undefined);
  child.stdin.end(`${safeJson(event)}\n`);
  return promise;
}

interface PrintingConsumer {
  readonly name: string;
  printed(seq: number): void;
  /** Everything printed is acknowledged. */
  end(): Promise<void>;
}

/** Acknowledges what was printed: one request at a time, each for all that was printed until then. */
async function openConsumer(api: Api, name: string, { after, types }: TailOptions): Promise<PrintingConsumer> {
  const body = {
    name,
    // 0 means the oldest event, as for tail without a consumer.
    ...(after === undefined ? {} : { after: after === 0 ? ('oldest' as const) : after }),
    ...(types === undefined ? {} : { types: types.split(',') }),
  };
  const { logId } = await dataOf(api.client.POST('/v1/consumers', { body }));
  let latest = -1;
  let acked = -1;
  let running: Promise<void> | null = null;

  async function acknowledge(): Promise<void> {
    while (acked < latest) {
      const seq = latest;
      await dataOf(api.client.POST('/v1/consumers/{name}/ack', { params: { path: { name } }, body: { seq, logId } }));
      acked = seq;
    }
  }
  return {
    name,
    printed(seq) {
      latest = seq;
      // While the daemon is away nothing is acknowledged; what was printed by then is with the next event.
      running ??= acknowledge()
        .catch(() => undefined)
        .finally(() => {
          running = null;
        });
    },
    async end() {
      await running;
      await acknowledge();
    },
  };
}

/** One line about an event, for people; unknown types are shown as they are. */
export function eventText(event: FollowedEvent, names: ReadonlyMap<string, string>): string {
  const data = event.data as Record<string, unknown>;
  const field = (name: string): string => (typeof data[name] === 'string' ? oneLine(data[name]) : '');
  const inBrackets = (text: string): string => (text === '' ? '' : ` (${text})`);
  const time = shortTime(event.atUnixMs);
  switch (event.type) {
    case 'message.received':
    case 'message.sent':
      return messageText(data as unknown as Message, names);
    case 'message.state':
      return `${time} ${field('id')} ${field('state')}${inBrackets(field('reason'))}`;
    case 'peer.online':
    case 'peer.away':
    case 'peer.offline': {
      const peerId = field('peerId');
      const who = oneLine(names.get(peerId) ?? '') || field('name') || shortId(peerId);
      return `${time} ${who} is ${event.type.slice('peer.'.length)}${inBrackets(field('path'))}`;
    }
    default:
      return `${time} ${oneLine(event.type)} ${safeJson(data)}`;
  }
}

function cursor(text: string): number | 'head' {
  if (text === 'head') return text;
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('must be a number or head.');
  return Number(text);
}
