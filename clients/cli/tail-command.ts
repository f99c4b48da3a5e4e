import { InvalidArgumentError } from 'commander';
import type { FollowedEvent } from '#api/rest/follow-events';
import type { Message } from './api.ts';
import type { Cli } from './command.ts';
import { shortId } from './contact-commands.ts';
import { messageText, namesOf, wholeNumber } from './message-commands.ts';
import { shortTime } from './output.ts';
import { oneLine, safeJson } from './terminal-text.ts';

interface TailOptions {
  readonly after: number | 'head';
  readonly types?: string;
  readonly count?: number;
}

export function tailCommand(cli: Cli): void {
  cli
    .command(
      'tail',
      'follow events; with --json one event object a line, ready to go on after its seq',
      'p2pmsg tail --after 0 --json',
    )
    .option('--after <seq>', 'events after this one; 0 is from the oldest, head only new ones', cursor, 'head')
    .option('--types <list>', 'only these: message.*,peer.online')
    .option('--count <n>', 'end after so many events', wholeNumber)
    .action((options: TailOptions) =>
      cli.run(
        async ({ api, out }) => {
          const names = out.json ? new Map<string, string>() : await namesOf(api);
          let left = options.count ?? Number.POSITIVE_INFINITY;
          if (left === 0) return;
          for await (const event of api.events({ after: options.after, types: options.types })) {
            out.result(event, eventText(event, names));
            left -= 1;
            if (left === 0) return;
          }
        },
        { atLeastMs: Number.POSITIVE_INFINITY },
      ),
    );
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
