import encodeQr from 'qr';
import { dataOf } from '#api/rest/client';
import type { Scope } from '#api/rest/scopes';
import { SCOPES } from '#api/rest/scopes';
import { InvalidArgumentError, Option } from 'commander';
import { allOf } from './api.ts';
import type { Cli } from './command.ts';
import { contactId } from './who.ts';
import { wholeNumber } from './message-commands.ts';
import type { Output } from './output.ts';
import { shortTime } from './output.ts';

export function inviteCommands(cli: Cli): void {
  cli
    .command(
      'invite',
      'make a link that makes its bearer a contact; shown once',
      'p2pmsg invite --expires 2d --note "for Bob"',
    )
    .option('--expires <duration>', 'how long it can be used: 30m, 12h, 7d', durationSeconds)
    .option('--uses <n>', 'how many people can use it', wholeNumber)
    .option('--note <text>', 'what you want to remember about it')
    .option('--no-qr', 'no QR code')
    .action((options: { expires?: number; uses?: number; note?: string; qr: boolean }) =>
      cli.run(async ({ api, out }) => {
        const body = {
          ...(options.expires === undefined ? {} : { expiresInSeconds: options.expires }),
          ...(options.uses === undefined ? {} : { uses: options.uses }),
          ...(options.note === undefined ? {} : { note: options.note }),
        };
        const created = await dataOf(api.client.POST('/v1/invites', { body }));
        if (options.qr && out.isTerminal && !out.json) out.note(qrText(created.invite, out));
        out.result(created, created.invite);
        out.note(
          `Good for ${created.usesLeft} until ${shortTime(created.expiresAtUnixMs)}. The other side runs: p2pmsg add LINK`,
        );
      }),
    );

  const invites = cli.command('invites', 'list invites that can still be used', 'p2pmsg invites');
  invites
    .option('--revoke <id>', 'take an invite back')
    .option('--quarantine', 'with --revoke: block everybody who came by it')
    .action((options: { revoke?: string; quarantine?: true }) =>
      cli.run(async ({ api, out }) => {
        if (options.revoke !== undefined) {
          await dataOf(
            api.client.DELETE('/v1/invites/{id}', {
              params: {
                path: { id: options.revoke },
                ...(options.quarantine ? { query: { contacts: 'quarantine' as const } } : {}),
              },
            }),
          );
          out.note('taken back');
          return;
        }
        out.table(
          await allOf(query => api.client.GET('/v1/invites', { params: { query } })),
          [
            { title: 'ID', value: invite => invite.id },
            { title: 'LEFT', value: invite => `${invite.usesLeft} of ${invite.usesTotal}` },
            { title: 'CAME', value: invite => String(invite.contacts) },
            { title: 'UNTIL', value: invite => shortTime(invite.expiresAtUnixMs) },
            { title: 'NOTE', value: invite => invite.note ?? '', shrink: true },
          ],
          'No invites.',
        );
      }),
    );
}

export function tokenCommands(cli: Cli): void {
  const token = cli.command('token', 'make, list and revoke tokens for other programs', 'p2pmsg token list');
  cli
    .command(
      'create <name>',
      'make a token; it is shown once',
      'p2pmsg token create bot --scope messages:send events',
      token,
    )
    .addOption(new Option('--scope <scope...>', 'what it may do').choices(SCOPES).makeOptionMandatory())
    .option('--conversation <who>', 'only in the conversation with this contact')
    .option('--expires <duration>', 'how long it is valid: 12h, 90d', durationSeconds)
    .action((name: string, options: { scope: Scope[]; conversation?: string; expires?: number }) =>
      cli.run(async ({ api, out }) => {
        const body = {
          name,
          scopes: options.scope,
          ...(options.conversation === undefined ? {} : { conversationId: await contactId(api, options.conversation) }),
          ...(options.expires === undefined ? {} : { expiresAtUnixMs: Date.now() + options.expires * 1000 }),
        };
        const created = await dataOf(api.client.POST('/v1/tokens', { body }));
        out.result(created, created.token);
      }),
    );
  cli.command('list', 'list tokens', 'p2pmsg token list', token).action(() =>
    cli.run(async ({ api, out }) => {
      out.table(
        await allOf(query => api.client.GET('/v1/tokens', { params: { query } })),
        [
          { title: 'ID', value: row => row.id, shrink: true },
          { title: 'NAME', value: row => row.name, shrink: true },
          { title: 'SCOPES', value: row => row.scopes.join(' '), shrink: true },
          { title: 'EXPIRES', value: row => (row.expiresAtUnixMs === undefined ? '' : shortTime(row.expiresAtUnixMs)) },
          { title: 'USED', value: row => (row.lastUsedUnixMs === undefined ? '' : shortTime(row.lastUsedUnixMs)) },
        ],
        'No tokens.',
      );
    }),
  );
  cli
    .command('revoke <id>', 'revoke a token; its open connections end', 'p2pmsg token revoke 5f0c1f9e-…', token)
    .action((id: string) =>
      cli.run(async ({ api, out }) => {
        await dataOf(api.client.DELETE('/v1/tokens/{id}', of(id)));
        out.note('revoked');
      }),
    );
}

const of = (id: string) => ({ params: { path: { id } } });

/** Two modules a character; low error correction, because a screen has no stains and the code must fit. */
function qrText(link: string, out: Output): string {
  const code = encodeQr(link, 'ascii', { ecc: 'low', border: 1 });
  const width = Math.max(...code.split('\n').map(line => line.length));
  return width <= out.columns ? code : `(the QR code needs a terminal of ${width} columns)`;
}

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

export function durationSeconds(text: string): number {
  const match = /^(\d{1,6})([smhd])$/.exec(text);
  if (!match) throw new InvalidArgumentError('must be a number with s, m, h or d: 12h.');
  return Number(match[1]) * SECONDS[match[2] as keyof typeof SECONDS];
}
