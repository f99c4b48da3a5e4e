import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isMessageIdText } from '#api/ids';
import { ManualClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { FakeLobby, fakeMessage, fakePeer } from './fake-lobby.ts';
import { createLobby, encodeLobbyText, type LobbyMessage, lobbyMessageId } from './lobby.ts';
import { Bed } from './testbed.ts';

const author = fakePeer('author');
const friend = fakePeer('friend');

function setUp() {
  const clock = new ManualClock();
  const net = new FakeLobby(clock);
  const received: LobbyMessage[] = [];
  const switches = { enabled: true, throws: false };
  const transport = net.node('self');
  transport.join();
  const lobby = createLobby({
    transport,
    clock,
    log: silentLogger,
    enabled: () => switches.enabled,
    isContact: peer => peer === friend,
    received(message) {
      if (switches.throws) throw new Error('read only');
      received.push(message);
    },
  });
  return { clock, net, transport, received, switches, lobby };
}

describe('outgoing lobby text', () => {
  it.each([
    ['begins like an announce', 'ANNOUNCE:hello', 'LOBBY_TEXT_RESERVED'],
    ['is an announce', 'ANNOUNCE:PRESENCE', 'LOBBY_TEXT_RESERVED'],
    ['is longer than 12 KiB', 'x'.repeat(12_289), 'TEXT_TOO_LARGE'],
    ['is longer than 12 KiB as UTF-8', '€'.repeat(4_097), 'TEXT_TOO_LARGE'],
    ['is empty', '', 'REQUEST_INVALID'],
    ['has a lone surrogate', 'a\ud800', 'REQUEST_INVALID'],
  ])('that %s is refused', async (_what, text, code) => {
    const { lobby, net } = setUp();
    await expect(lobby.send(text)).rejects.toMatchObject({ code });
    expect(net.log).toEqual([]);
  });

  it('goes out as raw UTF-8, up to 12 KiB', async () => {
    const { lobby, net } = setUp();
    expect(await lobby.send('Grüße 👋')).toEqual({ recipients: 1 });
    await lobby.send('€'.repeat(4_096));
    await lobby.send('see ANNOUNCE:PRESENCE');
    expect(Buffer.from(net.log[0]?.message.payload ?? []).toString()).toBe('Grüße 👋');
    expect(net.log).toHaveLength(3);
    expect(encodeLobbyText('ANNOUNCE')).toHaveLength(8);
  });

  it('is refused when the lobby is off, and when it is more than others would take', async () => {
    const { lobby, net, clock, switches } = setUp();
    for (let n = 0; n < 50; n++) await lobby.send(`m${n}`);
    await expect(lobby.send('too fast')).rejects.toMatchObject({ code: 'RATE_LIMITED', data: { retryAfterMs: 556 } });
    expect(net.log).toHaveLength(50);
    await clock.advance(556);
    await lobby.send('now');
    switches.enabled = false;
    await expect(lobby.send('off')).rejects.toMatchObject({ code: 'LOBBY_OFF' });
  });

  it('of one daemon at its full rate is never dropped by another', async () => {
    const { lobby, net, clock, transport } = setUp();
    const other = createLobby({
      transport: net.node('other'),
      clock,
      log: silentLogger,
      enabled: () => true,
      isContact: () => false,
      received: () => undefined,
    });
    const verdicts: string[] = [];
    for (let tenths = 0; tenths < 1_200; tenths++) {
      try {
        await lobby.send(`m${verdicts.length}`);
        verdicts.push(other.validate(fakeMessage(transport.self, transport.seqno, `m${verdicts.length}`)));
      } catch {
        await clock.advance(100);
      }
    }
    expect(verdicts.length).toBeGreaterThan(200);
    expect(new Set(verdicts)).toEqual(new Set(['accept']));
  });
});

describe('incoming lobby text', () => {
  it('is handed on with a UUIDv8 made of the gossip message id, the same each time', () => {
    const { lobby, received, clock } = setUp();
    const message = fakeMessage(author, 7n, 'hello');
    expect(lobby.validate(message)).toBe('accept');
    lobby.receive(message);
    lobby.receive(fakeMessage(author, 7n, 'hello'));
    const id = lobbyMessageId(message.id);
    expect(received[0]).toEqual({ id, author, text: 'hello', receivedAtUnixMs: clock.nowUnixMs() });
    expect(received[1]?.id).toBe(id);
    expect(isMessageIdText(id)).toBe(true);
    expect(id[14]).toBe('8');
    const hash = createHash('sha256').update(message.id).digest('hex');
    expect(id.replaceAll('-', '').slice(0, 12)).toBe(hash.slice(0, 12));
    expect(lobbyMessageId(fakeMessage(author, 8n, 'hello').id)).not.toBe(id);
  });

  it('keeps what the author wrote, a byte order mark and escapes included', () => {
    const { lobby, received } = setUp();
    lobby.receive(fakeMessage(author, 1n, '\ufeff\u001b[31m\u202ehi\u0000'));
    expect(received[0]?.text).toBe('\ufeff\u001b[31m\u202ehi\u0000');
  });

  it.each([
    ['not UTF-8', Uint8Array.of(0xc3, 0x28)],
    ['a surrogate in UTF-8', Uint8Array.of(0xed, 0xa0, 0x80)],
    ['empty', new Uint8Array()],
    ['over 16 KiB', new Uint8Array(16_385).fill(97)],
  ])('that is %s is ignored', (_what, payload) => {
    const { lobby, received } = setUp();
    const message = fakeMessage(author, 1n, payload);
    expect(lobby.validate(message)).toBe('ignore');
    lobby.receive(message);
    expect(received).toEqual([]);
  });

  it('over the budget of its author is ignored, and no other author suffers', async () => {
    const { lobby, clock } = setUp();
    const verdicts = Array.from({ length: 100 }, (_, n) => lobby.validate(fakeMessage(author, BigInt(n), `m${n}`)));
    expect(verdicts.filter(verdict => verdict === 'accept')).toHaveLength(60);
    expect(lobby.validate(fakeMessage(fakePeer('other'), 1n, 'hi'))).toBe('accept');
    await clock.advance(500);
    expect(lobby.validate(fakeMessage(author, 200n, 'later'))).toBe('accept');
  });

  it('of many fresh keys is limited as a whole, but contacts are not', () => {
    const { lobby } = setUp();
    let accepted = 0;
    for (let n = 0; n < 1_500; n++)
      if (lobby.validate(fakeMessage(fakePeer(`sybil${n}`), 1n, 'spam')) === 'accept') accepted += 1;
    expect(accepted).toBe(1_000);
    expect(lobby.validate(fakeMessage(friend, 1n, 'hi'))).toBe('accept');
  });

  it('is forwarded but not handed on when the lobby is off, and a store that fails throws nothing', () => {
    const { lobby, received, switches } = setUp();
    const message = fakeMessage(author, 1n, 'hi');
    switches.throws = true;
    lobby.receive(message);
    switches.throws = false;
    switches.enabled = false;
    expect(lobby.validate(message)).toBe('accept');
    lobby.receive(message);
    expect(received).toEqual([]);
  });

  it('comes through presence without announces, malformed ones, blocked authors and relays', () => {
    const { clock, net, lobby, received } = setUp();
    const bed = new Bed(net, 'me', { clock, chat: lobby });
    bed.presence.start();
    bed.transport.join();
    bed.blocked.add(fakePeer('blocked'));
    bed.hear(author, 1n, 'ANNOUNCE:PRESENCE');
    bed.hear(author, 2n, 'ANNOUNCE:NONSENSE');
    bed.hear(author, 3n, 'hello');
    expect(bed.hear(fakePeer('blocked'), 1n, 'hello')).toBe(true);
    bed.hear(net.relay, 1n, 'hello');
    expect(received.map(item => item.text)).toEqual(['hello']);
  });
});
