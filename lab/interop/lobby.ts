import { type Daemon, type Program, until } from '../scenarios/adapter.ts';
import { dialable, history } from '../scenarios/talk.ts';
import type { ForeignPeer, Noticed } from './foreign-peer.ts';
import { must, type Stage, tcpOf } from './stage.ts';

const TOPIC = 'p2p-chat-global';
const SOON_MS = 20_000;
/** REFRESH goes out every 15 s ± 10 %. */
const REFRESH_MS = 25_000;

/** A client of P2PMsg as the lobby sees it: bare announces and plain text, over the relay or over a connection. */
export async function checkLobby(stage: Stage, ours: Daemon, relay: Program): Promise<void> {
  for (const way of ['our relay', 'a connection'] as const) {
    const peer = await stage.foreign(`lobby-${way === 'our relay' ? 'relayed' : 'direct'}`);
    await peer.ask('subscribe', { topic: TOPIC });
    const entry =
      way === 'our relay' ? { address: tcpOf(relay), peerId: relay.peerId } : { ...ours, address: dialable(ours) };
    await stage.holds(`over ${way} it sees the lobby's subscribers`, async () => {
      await peer.ask('dial', { address: entry.address });
      await peer.sees('a subscriber', SOON_MS, one => one.event === 'subscribed' && one.peer === entry.peerId);
    });
    await stage.holds(`over ${way} its bare PRESENCE is answered by a WELCOME`, async () => {
      await untilHeard(
        peer,
        () => peer.ask('publish', { topic: TOPIC, text: 'ANNOUNCE:PRESENCE' }),
        one => from(ours, one, text => text.startsWith('ANNOUNCE:WELCOME')),
      );
      const shown = await until('it is in the list', SOON_MS, () => listed(ours, peer));
      // Bare announces prove nobody's presence, a connection does; its DHT may have made one meanwhile.
      must(shown.presence === (shown.path === undefined ? 'unknown' : 'online'), shown);
      must(way === 'our relay' || shown.path !== undefined, shown);
      must(way === 'our relay' || shown.agent === `p2pmsg-interop-${stage.language}/1`, shown);
    });
    await stage.holds(`over ${way} its chat reaches the daemon, once`, async () => {
      const text = `hello from ${stage.language} over ${way}`;
      await peer.ask('publish', { topic: TOPIC, text });
      const found = await until('the text', SOON_MS, async () => {
        const all = (await history(ours, { peerId: 'lobby' })).filter(one => one.text === text);
        return all.length > 0 ? all : null;
      });
      const [only] = found as unknown as { senderId?: string; sender?: string }[];
      must(found.length === 1 && JSON.stringify(only).includes(peer.peerId), found);
    });
    await stage.holds(`over ${way} the daemon's chat reaches it, once and as plain text`, async () => {
      const text = `hello from p2pmsgd over ${way}`;
      await ours.post('/v1/conversations/lobby/messages', { text });
      await peer.sees('the text', SOON_MS, one => from(ours, one, said => said === text));
      must(peer.noticed.filter(one => one.text === text).length === 1, 'twice');
    });
    await stage.holds(`over ${way} it hears the daemon's REFRESH`, async () => {
      await peer.sees('a REFRESH', REFRESH_MS, one => from(ours, one, text => text.startsWith('ANNOUNCE:REFRESH')));
    });
    await peer.stop();
  }
}

const from = (daemon: Daemon, one: Noticed, match: (text: string) => boolean): boolean =>
  one.event === 'message' && one.from === daemon.peerId && match(one.text);

const listed = async (daemon: Daemon, peer: ForeignPeer) =>
  (await daemon.get('/v1/peers')).items.find(one => one.peerId === peer.peerId) as
    | { presence: string; path?: string; agent?: string }
    | undefined;

/** Says it again until it is answered: a fresh mesh may not have us in it yet. */
async function untilHeard(peer: ForeignPeer, say: () => Promise<unknown>, match: (one: Noticed) => boolean) {
  for (let tries = 3; ; tries -= 1) {
    await say();
    try {
      return await peer.sees('an answer', 6_000, match);
    } catch (fault) {
      if (tries === 1) throw fault;
    }
  }
}
