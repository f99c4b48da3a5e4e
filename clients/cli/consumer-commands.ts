import { dataOf } from '#api/rest/client';
import { allOf } from './api.ts';
import type { Cli } from './command.ts';
import { wholeNumber } from './message-commands.ts';
import { shortTime } from './output.ts';

export function consumerCommands(cli: Cli): void {
  const consumer = cli.command('consumer', 'named readers of the events whose place is kept', 'p2pmsg consumer list');
  cli
    .command(
      'list',
      'list them, and how far each is behind; tail --consumer NAME makes one',
      'p2pmsg consumer list',
      consumer,
    )
    .action(() =>
      cli.run(async ({ api, out }) => {
        out.table(
          await allOf(query => api.client.GET('/v1/consumers', { params: { query } })),
          [
            { title: 'NAME', value: row => row.name, shrink: true },
            { title: 'TYPES', value: row => row.types?.join(',') ?? 'all', shrink: true },
            { title: 'ACKED', value: row => String(row.ackedSeq) },
            { title: 'LAG', value: row => row.fault ?? String(row.lag) },
            { title: 'LAST ACK', value: row => (row.lastAckUnixMs === undefined ? '' : shortTime(row.lastAckUnixMs)) },
          ],
          'No consumers.',
        );
      }),
    );
  cli
    .command('ack <name>', 'everything up to a seq is done with', 'p2pmsg consumer ack mailer 1200', consumer)
    .argument('<seq>', 'of the last event that is done with', wholeNumber)
    .action((name: string, seq: number) =>
      cli.run(async ({ api, out }) => {
        const now = await dataOf(
          api.client.POST('/v1/consumers/{name}/ack', { params: { path: { name } }, body: { seq } }),
        );
        out.result(now, `${now.lag} events to go`);
      }),
    );
  cli
    .command('remove <name>', 'forget one and its place', 'p2pmsg consumer remove mailer', consumer)
    .action((name: string) =>
      cli.run(async ({ api, out }) => {
        await dataOf(api.client.DELETE('/v1/consumers/{name}', { params: { path: { name } } }));
        out.note('removed');
      }),
    );
}
