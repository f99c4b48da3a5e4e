import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { missingFor, run } from '../net/command.ts';
import { openSwitch } from '../net/switch.ts';
import type { Daemon } from './adapter.ts';
import { sleep, startDaemon, startRelay, until } from './adapter.ts';
import { runAlone, scenario } from './harness.ts';
import { delivered, dialable, send } from './talk.ts';

const CHUNK_BYTES = 4 * 2 ** 20;

/** What is sent to a contact is readable by the two of them alone: not on any link, in the relay, or by others in the lobby. */
export const ciphertext = scenario({
  name: 'ciphertext',
  what: 'a marker in a message is nowhere but in the two daemons',
  needsRoot: true,
  missing: () => missingFor('tcpdump', 'bash'),
  async run(lab) {
    await using network = await openSwitch(lab, 4);
    const [r, hostA, hostB, hostC] = network.hosts;
    if (!r || !hostA || !hostB || !hostC) throw new Error('no hosts');
    const pcap = `${lab.folder}/all.pcap`;
    const capture = lab.spawn(
      'ip',
      ['netns', 'exec', network.hub, 'tcpdump', '-U', '-Z', 'root', '-s', '0', '-i', 'any', '-w', pcap],
      { stderr: 'tcpdump.err' },
    );
    await until('tcpdump', 60_000, async () => readFileSync(`${lab.folder}/tcpdump.err`, 'utf8').includes('listening'));

    const relay = await startRelay(lab, {
      home: `${lab.folder}/relay`,
      listen: [`/ip4/${r.ip}/tcp/0`],
      namespace: r.namespace,
    });
    const relays = [relay.addresses.find(one => one.includes('/tcp/')) ?? ''];
    const daemon = (name: string, namespace: string, listen: string): Promise<Daemon> =>
      startDaemon(lab, { home: `${lab.folder}/${name}`, listen: [listen], relays, name, namespace });
    const [a, b, c] = await Promise.all([
      daemon('a', hostA.namespace, 'none'),
      daemon('b', hostB.namespace, 'none'),
      daemon('c', hostC.namespace, `/ip4/${hostC.ip}/tcp/0`),
    ]);
    await until('A in the lobby of C', 60_000, async () =>
      (await c.get('/v1/peers')).items.some((peer: { peerId: string }) => peer.peerId === a.peerId),
    );

    // The first text, both directions, and a name that only the sender gave: each with a marker of its own.
    const markers = { request: marker(), relayed: marker(), back: marker(), name: marker() };
    const control = marker();
    await a.post('/v1/contacts', { address: `${relays[0]}/p2p-circuit/p2p/${b.peerId}`, name: markers.name });
    const first = await send(a, b, `first ${markers.request}`);
    await until('a request', 60_000, async () => (await b.get('/v1/requests')).items.length > 0);
    await b.post(`/v1/requests/${a.peerId}/accept`, {});
    await delivered(a, first.id, 60_000);
    const there = await send(a, b, `there ${markers.relayed} `.repeat(20));
    const back = await send(b, a, `back ${markers.back}`);
    await delivered(a, there.id);
    await delivered(b, back.id);
    const { attempts } = await a.get(`/v1/messages/${there.id}/trace`);
    lab.check('the message went over the relay', attempts.at(-1)?.path === 'relayed', attempts);
    await c.post('/v1/contacts', { address: b.peerId });
    await b.post('/v1/contacts', { address: dialable(c) });
    const direct = await send(b, c, 'to the third one, on another way');
    await delivered(b, direct.id, 60_000);

    // While the marker has just passed: then the process of the relay still has what it will ever have of it.
    const all = Object.values(markers);
    const inRelay = inMemory(relay.pid, all);
    lab.check('not in the memory of the relay', inRelay.found.length === 0, inRelay);
    const inA = inMemory(a.pid, [markers.relayed]);
    lab.check('(control) the same search finds it in the sender', inA.found.length === 1, inA.bytes);
    const inC = inMemory(c.pid, all);
    lab.check('not in the memory of the third daemon', inC.found.length === 0, inC);
    lab.figure('searched bytes of memory', inRelay.bytes + inC.bytes);

    const told = JSON.stringify([
      await c.get('/v1/events?limit=1000'),
      ...(await Promise.all(
        [
          '/v1/conversations',
          `/v1/conversations/lobby/messages`,
          `/v1/conversations/${b.peerId}/messages`,
          '/v1/peers',
          '/v1/contacts',
          '/v1/requests',
          '/v1/network',
          '/v1/node',
        ].map(path => c.get(path)),
      )),
    ]);
    lab.check(
      'not in what the third daemon tells',
      !all.some(one => told.includes(one)) && told.length > 500,
      told.length,
    );

    await run(['ip', 'netns', 'exec', hostA.namespace, 'bash', '-c', `echo ${control} > /dev/udp/${hostB.ip}/9999`]);
    await sleep(1_000);
    capture.process.kill('SIGINT');
    await capture.exited;
    await Promise.all([a.stop(), b.stop(), c.stop(), relay.stop()]);
    const packets = readFileSync(pcap);
    lab.check('(control) what is sent readably is in the capture', packets.includes(control));
    lab.check('not on any link', found(packets, all).length === 0, found(packets, all));
    lab.figure('captured bytes', packets.length);
    for (const home of ['relay', 'c']) {
      const hits = inFiles(join(lab.folder, home), all);
      lab.check(`not in the files of ${home}`, hits.length === 0, hits);
    }
    lab.check(
      '(control) the same search finds it in the files of the receiver',
      inFiles(join(lab.folder, 'b'), [markers.relayed]).length > 0,
    );
    for (const log of ['a.err', 'b.err', 'c.err', 'relay.err'])
      lab.check(`not in the log ${log}`, found(readFileSync(join(lab.folder, log)), all).length === 0);
  },
});

const marker = (): string => `mk${randomBytes(16).toString('hex')}`;

/** As it is, in UTF-16, and in base64 at each of its three phases (without the first and last characters). */
function forms(text: string): Buffer[] {
  const base64 = [0, 1, 2].map(phase =>
    Buffer.from('x'.repeat(phase) + text)
      .toString('base64')
      .slice(4, -4),
  );
  return [
    Buffer.from(text),
    Buffer.from(text, 'utf16le'),
    Buffer.from(Buffer.from(text).toString('hex')),
    ...base64.map(one => Buffer.from(one)),
  ];
}

const found = (bytes: Buffer, texts: readonly string[]): string[] =>
  texts.filter(text => forms(text).some(form => bytes.includes(form)));

function inMemory(pid: number, texts: readonly string[]): { found: string[]; bytes: number } {
  const hits = new Set<string>();
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const buffer = Buffer.alloc(CHUNK_BYTES + 256);
  let bytes = 0;
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      const range = /^([0-9a-f]+)-([0-9a-f]+) r/.exec(line);
      if (!range || line.includes('[vvar') || line.includes('[vsyscall')) continue;
      const [from, to] = [BigInt(`0x${range[1]}`), BigInt(`0x${range[2]}`)];
      for (let at = from; at < to; at += BigInt(CHUNK_BYTES)) {
        const want = Number(to - at) < buffer.length ? Number(to - at) : buffer.length;
        let got = 0;
        try {
          got = readSync(memory, buffer, 0, want, at);
        } catch {
          continue; // Pages that are reserved only.
        }
        bytes += got;
        for (const text of found(buffer.subarray(0, got), texts)) hits.add(text);
      }
    }
  } finally {
    closeSync(memory);
  }
  return { found: [...hits], bytes };
}

const inFiles = (folder: string, texts: readonly string[]): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(name => join(folder, name))
    .filter(path => statSync(path).isFile() && found(readFileSync(path), texts).length > 0);

if (import.meta.main) await runAlone(ciphertext);
