import type { Daemon } from './adapter.ts';
import { sleep, startDaemon, until } from './adapter.ts';
import type { Lab } from './harness.ts';
import { runAlone, scenario } from './harness.ts';
import { delivered, dialable, history, send, stateOf, tcp } from './talk.ts';

type Named = Readonly<Record<'sender' | 'pending' | 'ignoring' | 'blocking' | 'maker' | 'bearer', Daemon>>;
const MORE = 5;
/** Outcomes of tries that did not get to an answer. */
const FAILED = new Set(['unreachable', 'timeout', 'cut']);

/** Requests, invites, blocking, removing: who is told what. */
export const firstContact = scenario({
  name: 'first-contact',
  what: 'requests, invites, blocking and removing, and what the other side can tell',
  async run(lab) {
    const names = ['sender', 'pending', 'ignoring', 'blocking', 'maker', 'bearer'] as const;
    const started = await Promise.all(
      names.map(
        async name =>
          [
            name,
            await startDaemon(lab, { home: `${lab.folder}/${name}`, listen: [tcp(lab.address())], name }),
          ] as const,
      ),
    );
    const all = Object.fromEntries(started) as Named;
    for (const part of [looksTheSame, acceptAndRest, mutual, invites, longFirst, removedAndAdded, blockedAndUnblocked])
      await part(lab, all).catch((fault: Error) => lab.check(`${part.name} runs to its end`, false, fault.stack));
  },
});

const request = (of: Daemon, from: Daemon): Promise<unknown> =>
  until(`a request of ${from.peerId}`, 60_000, async () =>
    (await of.get('/v1/requests')).items.some((one: { peerId: string }) => one.peerId === from.peerId),
  );

/**
 * What the sender can see of one receiver, without what differs by nature: ids, times, durations, and who could not be
 * reached at first, before it had decided anything.
 */
async function sight(sender: Daemon, of: Daemon, decidedAtUnixMs: number): Promise<unknown> {
  const messages = (await history(sender, of)).filter(one => one.direction === 'out');
  const rows = [];
  for (const { id, state, reason } of messages) {
    const { attempts } = (await sender.get(`/v1/messages/${id}/trace`)) as unknown as {
      attempts: { atUnixMs: number; outcome: string; code?: string; path?: string }[];
    };
    const telling = attempts.filter(one => !FAILED.has(one.outcome) || one.atUnixMs >= decidedAtUnixMs);
    const outcomes = new Set(telling.map(one => [one.outcome, one.code, one.path].join(':')));
    rows.push({ state, reason, outcomes: [...outcomes].sort() });
  }
  const { status, theyAccepted, verified, keyChanged, presence, path } = await sender.get(`/v1/contacts/${of.peerId}`);
  return { rows, contact: { status, theyAccepted, verified, keyChanged, presence, path } };
}

async function looksTheSame(lab: Lab, { sender, pending, ignoring, blocking }: Named): Promise<void> {
  const receivers = [pending, ignoring, blocking];
  for (const one of receivers) {
    await sender.post('/v1/contacts', { address: dialable(one) });
    await send(sender, one, 'text 0');
  }
  for (const one of receivers) await request(one, sender);
  await until('held', 60_000, async () =>
    (await Promise.all(receivers.map(one => history(sender, one)))).every(
      ([first]) => first?.reason === 'awaiting-acceptance',
    ),
  );
  const decidedAtUnixMs = Date.now();
  await ignoring.post(`/v1/requests/${sender.peerId}/ignore`);
  await blocking.post(`/v1/requests/${sender.peerId}/block`);
  for (let n = 1; n <= MORE; n += 1) for (const one of receivers) await send(sender, one, `text ${n}`);
  await until('all wait for acceptance', 60_000, async () =>
    (await Promise.all(receivers.map(one => history(sender, one)))).every(list =>
      list.every(one => one.state === 'queued' && one.reason === 'awaiting-acceptance'),
    ),
  ).catch((fault: Error) => lab.check('everything waits for acceptance', false, fault.message));
  await sleep(3_000);
  await compare('at once');
  // A new connection brings another Hello: nothing in it tells either.
  for (const one of receivers) await sender.call('POST', `/v1/peers/${one.peerId}/ping`);
  for (const one of receivers) await send(sender, one, `text ${MORE + 1}`);
  await sleep(2_000);
  await compare('after another message');

  async function compare(when: string): Promise<void> {
    const [ofPending, ofIgnoring, ofBlocking] = await Promise.all(
      receivers.map(async one => JSON.stringify(await sight(sender, one, decidedAtUnixMs))),
    );
    lab.check(`ignored looks like pending ${when}`, ofPending === ofIgnoring, [ofPending, ofIgnoring]);
    lab.check(`blocked looks like pending ${when}`, ofPending === ofBlocking, [ofPending, ofBlocking]);
    lab.check(
      `nothing is delivered before acceptance ${when}`,
      !ofPending?.includes('"delivered"') && !ofPending?.includes('acked'),
      ofPending,
    );
  }
}

async function acceptAndRest(lab: Lab, { sender, pending, ignoring }: Named): Promise<void> {
  const { items } = await pending.get('/v1/requests');
  lab.check('the request shows its first text', items[0]?.firstText === 'text 0', items);
  lab.check('an ignored request is not listed', (await ignoring.get('/v1/requests')).items.length === 0);
  await pending.post(`/v1/requests/${sender.peerId}/accept`, {});
  await exactlyOnce(lab, 'accepting delivers what was held', sender, pending);
  const contact = await until('theyAccepted', 60_000, async () => {
    const one = await sender.get(`/v1/contacts/${pending.peerId}`);
    return one.theyAccepted === true ? one : null;
  }).catch(() => null);
  lab.check('the sender learns that it was accepted', contact !== null);
  await both(lab, 'after acceptance', sender, pending);
}

/** Every message that `from` sent to `to` is delivered and in the history of `to` once, in the order of sending. */
async function exactlyOnce(lab: Lab, name: string, from: Daemon, to: Daemon): Promise<void> {
  const sent = (await history(from, to)).filter(one => one.direction === 'out');
  for (const { id, text } of sent)
    await delivered(from, id, 60_000).catch(async (fault: Error) =>
      lab.check(
        `${name}: "${text.slice(0, 20)}"`,
        false,
        [fault.message, await stateOf(from, id), await from.get(`/v1/messages/${id}/trace`)].map(one =>
          JSON.stringify(one).slice(0, 400),
        ),
      ),
    );
  const expected = sent.map(one => one.text);
  const got = async (): Promise<string[]> =>
    (await history(to, from)).filter(one => one.direction === 'in').map(one => one.text);
  await until('published', 60_000, async () => (await got()).length >= expected.length).catch(() => undefined);
  const texts = await got();
  lab.check(
    `${name}, once and in order`,
    JSON.stringify(texts) === JSON.stringify(expected),
    [texts, expected].map(list => list.map(one => one.slice(0, 20))),
  );
}

async function both(lab: Lab, when: string, one: Daemon, other: Daemon): Promise<void> {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    const { id } = await send(from, to, `${when}, ${from === one ? 'there' : 'back'}`);
    const state = await delivered(from, id, 60_000).catch(async () => [
      await stateOf(from, id),
      await from.get(`/v1/messages/${id}/trace`),
    ]);
    lab.check(`${when} a message goes ${from === one ? 'there' : 'back'}`, !Array.isArray(state), state);
  }
}

async function mutual(lab: Lab, { maker, pending }: Named): Promise<void> {
  await maker.post('/v1/contacts', { address: dialable(pending) });
  await pending.post('/v1/contacts', { address: dialable(maker) });
  await Promise.all([send(maker, pending, 'both 1'), send(pending, maker, 'both 2')]);
  await exactlyOnce(lab, 'both added each other: no question', maker, pending);
  await exactlyOnce(lab, 'both added each other: and back', pending, maker);
  lab.check(
    'both added each other: no request',
    (await pending.get('/v1/requests')).items.length === 0 && (await maker.get('/v1/requests')).items.length === 0,
  );
}

async function invites(lab: Lab, { maker, bearer, blocking }: Named): Promise<void> {
  const { invite, id, usesLeft } = await maker.post('/v1/invites', {});
  lab.check(
    'an invite is a short link with one use',
    String(invite).startsWith('p2pmsg:') && invite.length <= 1_000 && usesLeft === 1,
    invite,
  );
  await bearer.post('/v1/contacts', { address: invite });
  const first = await send(bearer, maker, 'by invite');
  lab.check(
    'the bearer is admitted without a question',
    (await delivered(bearer, first.id, 60_000).catch(() => null)) !== null,
    await stateOf(bearer, first.id),
  );
  await both(lab, 'by invite', bearer, maker);
  const left = (await maker.get('/v1/invites')).items.find((one: { id: string }) => one.id === id);
  lab.check('the use is counted', left === undefined || left.usesLeft === 0, left);
  await blocking.post('/v1/contacts', { address: invite });
  const second = await send(blocking, maker, 'second bearer');
  await request(maker, blocking).then(
    () => lab.check('a second bearer becomes a request', true),
    (fault: Error) => lab.check('a second bearer becomes a request', false, fault.message),
  );
  const state = await stateOf(blocking, second.id);
  lab.check('and waits', state.state === 'queued', state);

  const code = async (address: string, by = bearer): Promise<string> => {
    const answer = await by.call('POST', '/v1/contacts', { address });
    return `${answer.status} ${answer.body?.code ?? ''}`;
  };
  lab.check('an own invite', (await code(invite, maker)) === '422 INVITE_OWN', await code(invite, maker));
  const brief = await maker.post('/v1/invites', { expiresInSeconds: 1 });
  await sleep(1_500);
  lab.check('an expired invite', (await code(brief.invite)) === '422 INVITE_EXPIRED', await code(brief.invite));
  const wrong = new Map<string, string>();
  for (let n = 0; n < 40; n += 1) {
    const at = 7 + Math.floor(lab.random() * (invite.length - 7));
    const other = invite[at] === 'A' ? 'B' : 'A';
    const damaged = n % 4 === 3 ? invite.slice(0, at) : invite.slice(0, at) + other + invite.slice(at + 1);
    const got = await code(damaged);
    if (got !== '422 INVITE_INVALID') wrong.set(`${n % 4 === 3 ? 'cut' : 'changed'} at ${at} of ${invite.length}`, got);
  }
  lab.check('a damaged invite', wrong.size === 0, [...wrong]);
}

async function longFirst(lab: Lab, { ignoring, maker }: Named): Promise<void> {
  await ignoring.post('/v1/contacts', { address: dialable(maker) });
  const text = 'ä'.repeat(16 * 1024);
  const over = await ignoring.call('POST', `/v1/conversations/${maker.peerId}/messages`, { text: `${text}x` });
  lab.check('a text over 32 KiB is refused', over.status === 413 && over.body.code === 'TEXT_TOO_LARGE', over);
  await send(ignoring, maker, text);
  await request(maker, ignoring);
  await maker.post(`/v1/requests/${ignoring.peerId}/accept`, {});
  await exactlyOnce(lab, '32 KiB as the first message', ignoring, maker);
}

async function removedAndAdded(lab: Lab, { sender, pending }: Named): Promise<void> {
  const before = (await history(sender, pending)).length;
  await sender.call('DELETE', `/v1/contacts/${pending.peerId}`);
  const gone = await sender.call('POST', `/v1/conversations/${pending.peerId}/messages`, { text: 'to nobody' });
  lab.check('nothing is sent to a removed contact', gone.status === 404, gone);
  await sender.post('/v1/contacts', { address: dialable(pending) });
  lab.check('removing keeps the history', (await history(sender, pending)).length === before);
  await both(lab, 'removed and added again', sender, pending);
  await pending.call('DELETE', `/v1/contacts/${sender.peerId}`);
  const { id } = await send(sender, pending, 'to one who removed us');
  await request(pending, sender).then(
    async () => {
      lab.check('who was removed becomes a request', true);
      lab.check('and waits', (await stateOf(sender, id)).state === 'queued', await stateOf(sender, id));
      await pending.post(`/v1/requests/${sender.peerId}/accept`, {});
    },
    async (fault: Error) => {
      lab.check('who was removed becomes a request', false, [
        fault.message,
        await stateOf(sender, id),
        await sender.get(`/v1/messages/${id}/trace`),
      ]);
      await pending.post('/v1/contacts', { address: dialable(sender) });
    },
  );
  await exactlyOnce(lab, 'removed by the other side and accepted again', sender, pending);
  await both(lab, 'accepted again', sender, pending);
}

async function blockedAndUnblocked(lab: Lab, { sender, pending }: Named): Promise<void> {
  await pending.post(`/v1/contacts/${sender.peerId}/block`);
  const refused = await pending.call('POST', `/v1/conversations/${sender.peerId}/messages`, {
    text: 'to a blocked one',
  });
  lab.check(
    'nothing is sent to a blocked contact',
    refused.status === 409 && refused.body.code === 'CONTACT_BLOCKED',
    refused,
  );
  const sent = [];
  for (let n = 0; n < 3; n += 1) sent.push(await send(sender, pending, `while blocked ${n}`));
  await sleep(4_000);
  const states = await Promise.all(sent.map(({ id }) => stateOf(sender, id)));
  lab.check(
    'what is sent while blocked waits',
    states.every(one => one.state === 'queued'),
    states,
  );
  lab.check('and is not shown', !(await history(pending, sender)).some(one => one.text.startsWith('while blocked')));
  await pending.post(`/v1/contacts/${sender.peerId}/unblock`);
  await both(lab, 'unblocked', sender, pending);
  await exactlyOnce(lab, 'after unblocking what waited is delivered', sender, pending);
}

if (import.meta.main) await runAlone(firstContact);
