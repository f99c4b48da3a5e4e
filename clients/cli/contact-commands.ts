import { dataOf } from '#api/rest/client';
import type { Api, Contact } from './api.ts';
import { contactsOf, requestsOf } from './api.ts';
import type { Cli, Session } from './command.ts';
import { CliFailure, EXIT } from './failure.ts';
import { shortTime } from './output.ts';
import { oneLine } from './terminal-text.ts';
import { contactId, requestId, resolveWho } from './who.ts';

/** All PeerIds begin alike; this much tells contacts apart and can be typed as WHO. */
export const SHORT_ID = 16;
export const shortId = (peerId: string): string => peerId.slice(0, SHORT_ID);

export function contactCommands(cli: Cli): void {
  cli.command('contacts', 'list contacts', 'p2pmsg contacts --json').action(() =>
    cli.run(async ({ api, out }) => {
      out.table(
        await contactsOf(api),
        [
          { title: 'NAME', value: contact => contact.name, shrink: true },
          { title: 'PRESENCE', value: contact => contact.presence },
          { title: 'PATH', value: contact => contact.path ?? '' },
          { title: 'STATE', value: stateOf },
          { title: 'PEER', value: contact => shortId(contact.peerId) },
        ],
        'No contacts yet. Make an invite with: p2pmsg invite',
      );
    }),
  );

  cli
    .command(
      'add <address>',
      'add a contact: an invite link, a PeerId or a multiaddr',
      'p2pmsg add p2pmsg:CiQ… --name Bob',
    )
    .option('--name <text>', 'what you call this contact')
    .action((address: string, options: { name?: string }) =>
      cli.run(async session => {
        const body = { address: (await cli.text(address)).trim(), ...options };
        changed(session, await dataOf(session.api.client.POST('/v1/contacts', { body })), 'is a contact');
      }),
    );

  cli.command('requests', 'list who asks to become a contact', 'p2pmsg requests').action(() =>
    cli.run(async ({ api, out }) => {
      out.table(
        await requestsOf(api),
        [
          { title: 'NAME', value: request => request.name, shrink: true },
          { title: 'SINCE', value: request => shortTime(request.receivedAtUnixMs) },
          { title: 'PEER', value: request => shortId(request.peerId) },
          { title: 'TEXT', value: request => request.firstText ?? '', shrink: true },
        ],
        'Nobody asks.',
      );
    }),
  );

  cli
    .command('accept <who>', 'accept a request', 'p2pmsg accept Bob')
    .option('--name <text>', 'what you call this contact')
    .action((who: string, options: { name?: string }) =>
      cli.run(async session => {
        const to = of(await requestId(session.api, who));
        const accepting = session.api.client.POST('/v1/requests/{peerId}/accept', { ...to, body: options });
        changed(session, await dataOf(accepting), 'is a contact');
      }),
    );

  cli
    .command('ignore <who>', 'take a request off the list; the peer is not told', 'p2pmsg ignore Mallory')
    .action((who: string) =>
      cli.run(async ({ api, out }) => {
        const peerId = await requestId(api, who);
        await dataOf(api.client.POST('/v1/requests/{peerId}/ignore', of(peerId)));
        out.note(`${shortId(peerId)} is ignored`);
      }),
    );

  cli
    .command('block <who>', 'take nothing from a contact, or from somebody who asks, any more', 'p2pmsg block Mallory')
    .action((who: string) =>
      cli.run(async ({ api, out }) => {
        const { peerId, isContact } = await contactOrRequest(api, who);
        const path = isContact ? '/v1/contacts/{peerId}/block' : '/v1/requests/{peerId}/block';
        await dataOf<unknown>(api.client.POST(path, of(peerId)));
        out.note(`${shortId(peerId)} is blocked`);
      }),
    );

  for (const [verb, path, description, done] of [
    ['unblock', '/v1/contacts/{peerId}/unblock', 'undo a block', 'is no longer blocked'],
    [
      'accept-key',
      '/v1/contacts/{peerId}/accept-key',
      'accept the changed key of a contact; until then nothing is sent',
      'has a new key',
    ],
  ] as const)
    cli.command(`${verb} <who>`, description, `p2pmsg ${verb} Bob`).action((who: string) =>
      cli.run(async session => {
        const peerId = await contactId(session.api, who);
        changed(session, await dataOf(session.api.client.POST(path, of(peerId))), done);
      }),
    );

  cli
    .command('safety-number <who>', 'the 60 digits that both sides compare', 'p2pmsg safety-number Bob')
    .action((who: string) =>
      cli.run(async ({ api, out }) => {
        const peerId = await contactId(api, who);
        const number = await dataOf(api.client.GET('/v1/contacts/{peerId}/safety-number', of(peerId)));
        const groups = number.digits.match(/.{1,5}/g) ?? [];
        const lines = [0, 4, 8].map(at => groups.slice(at, at + 4).join(' '));
        out.result({ peerId, ...number }, lines.join('\n'));
        out.note('The same on both sides? Then: p2pmsg verify WHO');
      }),
    );

  cli
    .command('verify <who>', 'say that you compared the safety number', 'p2pmsg verify Bob')
    .option('--undo', 'say that it was not compared')
    .action((who: string, options: { undo?: boolean }) =>
      cli.run(async session => {
        const verified = options.undo !== true;
        const to = of(await contactId(session.api, who));
        const verifying = session.api.client.POST('/v1/contacts/{peerId}/verify', { ...to, body: { verified } });
        changed(session, await dataOf(verifying), verified ? 'is verified' : 'is not verified');
      }),
    );
}

const of = (peerId: string) => ({ params: { path: { peerId } } });

function changed({ out }: Session, contact: Contact, what: string): void {
  if (out.json) out.result(contact, '');
  else out.note(`${oneLine(contact.name)} (${shortId(contact.peerId)}) ${what}`);
}

function stateOf(contact: Contact): string {
  if (contact.status === 'blocked') return contact.quarantined ? 'quarantined' : 'blocked';
  if (contact.keyChanged) return 'KEY CHANGED';
  if (contact.verified) return 'verified';
  return contact.theyAccepted === true ? 'accepted' : 'not accepted yet';
}

/** A contact first: who asks and is a contact already is blocked as one. */
async function contactOrRequest(api: Api, who: string): Promise<{ peerId: string; isContact: boolean }> {
  const contacts = await contactsOf(api);
  const requests = await requestsOf(api);
  const peerId = resolveWho(who, [...contacts, ...requests]);
  const isContact = contacts.some(contact => contact.peerId === peerId);
  if (!isContact && !requests.some(request => request.peerId === peerId))
    throw new CliFailure(EXIT.notFound, `${peerId} is no contact and does not ask to become one`);
  return { peerId, isContact };
}
