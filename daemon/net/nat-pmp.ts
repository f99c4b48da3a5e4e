import { createSocket, type Socket } from 'node:dgram';
import { readFile } from 'node:fs/promises';
import type { Gateway, PortMapping } from '@achingbrain/nat-port-mapper';
import type { Clock, Timer } from '../base/clock.ts';

/** RFC 6886. Requests: version 0, opcode, then for a mapping two reserved bytes, both ports, lifetime in seconds. */
const PORT = 5351;
const OPCODE = { externalAddress: 0, udp: 1, tcp: 2 } as const;
const REPLY = 128;
/** Section 3.1: 250 ms, doubled each time; nine tries would take a minute, four are enough on a LAN. */
const TRIES = 4;
const FIRST_WAIT_MS = 250;
const LIFETIME_S = 1_800;
/** A router may grant less or more than was asked for; whatever it says, it is asked again neither at once nor never. */
const RENEW_S = { least: 60, most: LIFETIME_S / 2 };

type Opcode = (typeof OPCODE)[keyof typeof OPCODE];

/**
 * A router that speaks NAT-PMP, as @libp2p/upnp-nat wants it. The one of @achingbrain/nat-port-mapper is not used: it
 * sends each request once, binds a fixed port, and a short datagram from anybody ends the process.
 */
export function createPmpGateway(
  { clock }: { clock: Clock },
  { host, port = PORT }: { host: string; port?: number },
): Gateway {
  const mapped = new Map<string, { opcode: Opcode; port: number; renewal: Timer }>();
  let external: string | null = null;
  let stopped = false;

  const externalIp = async (signal?: AbortSignal): Promise<string> => {
    const reply = await ask({ host, port, clock }, request(OPCODE.externalAddress), signal);
    external = [...reply.subarray(8, 12)].join('.');
    return external;
  };
  const map = async (opcode: Opcode, internalPort: number, outside: number, signal?: AbortSignal): Promise<number> => {
    const reply = await ask(
      { host, port, clock },
      request(opcode, { internalPort, outside, lifetimeS: LIFETIME_S }),
      signal,
    );
    const given = reply.readUInt16BE(10);
    renewLater({ opcode, port: internalPort, outside: given }, reply.readUInt32BE(12) / 2);
    return given;
  };
  const renewLater = (mapping: { opcode: Opcode; port: number; outside: number }, afterS: number): void => {
    const { opcode, port: internalPort, outside } = mapping;
    if (stopped) return;
    const key = `${opcode} ${internalPort}`;
    mapped.get(key)?.renewal.cancel();
    const delayMs = Math.min(Math.max(afterS, RENEW_S.least), RENEW_S.most) * 1_000;
    const renewal = clock.after(delayMs, () => {
      // A router that restarts is back in a minute, and nobody else asks it again.
      map(opcode, internalPort, outside).catch(() => renewLater(mapping, RENEW_S.least));
    });
    mapped.set(key, { opcode, port: internalPort, renewal });
  };
  const unmap = async ({ opcode, port: internalPort }: { opcode: Opcode; port: number }, signal?: AbortSignal) => {
    await ask({ host, port, clock }, request(opcode, { internalPort, outside: 0, lifetimeS: 0 }), signal).catch(
      () => null,
    );
  };
  const mapPort = async (
    internalPort: number,
    internalHost: string,
    options: MapOptions = {},
  ): Promise<PortMapping> => {
    const protocol = options.protocol?.toUpperCase() === 'UDP' ? 'UDP' : 'TCP';
    const opcode = protocol === 'UDP' ? OPCODE.udp : OPCODE.tcp;
    const externalPort = await map(opcode, internalPort, options.externalPort ?? internalPort, options.signal);
    const externalHost = external ?? (await externalIp(options.signal));
    return { externalHost, externalPort, internalHost, internalPort, protocol };
  };

  return {
    id: `nat-pmp ${host}`,
    host,
    port,
    family: 'IPv4',
    map: mapPort,
    async *mapAll(internalPort, options) {
      yield await mapPort(internalPort, '', options);
    },
    async unmap(internalPort, options) {
      for (const one of mapped.values()) if (one.port === internalPort) await unmap(one, options?.signal);
    },
    externalIp: options => externalIp(options?.signal),
    async stop(options) {
      stopped = true;
      for (const { renewal } of mapped.values()) renewal.cancel();
      await Promise.all([...mapped.values()].map(one => unmap(one, options?.signal)));
      mapped.clear();
    },
  };
}

interface MapOptions {
  readonly protocol?: string;
  readonly externalPort?: number;
  readonly signal?: AbortSignal;
}

/** The IPv4 router of this machine; null where there is none or it cannot be told (only Linux tells it in a file). */
export async function defaultGateway(file = '/proc/net/route'): Promise<string | null> {
  const text = await readFile(file, 'utf8').catch(() => '');
  for (const line of text.split('\n').slice(1)) {
    const [, destination, gateway, flags] = line.split('\t');
    // Destination 0, flag RTF_GATEWAY; the address is in the byte order of this machine.
    if (destination !== '00000000' || !gateway || (Number.parseInt(flags ?? '0', 16) & 2) === 0) continue;
    return [...Buffer.from(gateway, 'hex')].toReversed().join('.');
  }
  return null;
}

function request(opcode: Opcode, mapping?: { internalPort: number; outside: number; lifetimeS: number }): Buffer {
  const bytes = Buffer.alloc(mapping ? 12 : 2);
  bytes.writeUInt8(opcode, 1);
  if (!mapping) return bytes;
  bytes.writeUInt16BE(mapping.internalPort, 4);
  bytes.writeUInt16BE(mapping.outside, 6);
  bytes.writeUInt32BE(mapping.lifetimeS, 8);
  return bytes;
}

/** Sends until the router answers. Only its own datagrams of the right kind and length are looked at. */
async function ask(
  to: { host: string; port: number; clock: Clock },
  bytes: Buffer,
  signal?: AbortSignal,
): Promise<Buffer> {
  const opcode = bytes.readUInt8(1);
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const socket: Socket = createSocket('udp4');
  const timers: Timer[] = [];
  const onAbort = (): void => reject(new Error('NAT-PMP was given up'));
  socket.on('error', reject);
  socket.on('message', reply => {
    if (reply.length < (opcode === OPCODE.externalAddress ? 12 : 16)) return;
    if (reply.readUInt8(0) !== 0 || reply.readUInt8(1) !== opcode + REPLY) return;
    const result = reply.readUInt16BE(2);
    if (result === 0) resolve(reply);
    else reject(new Error(`the router refused, NAT-PMP result ${result}`));
  });
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();
  // Connected: datagrams from others are not delivered, and "port unreachable" comes back as an error.
  socket.connect(to.port, to.host, () => {
    let waitMs = 0;
    for (let tried = 0; tried < TRIES; tried += 1) {
      timers.push(to.clock.after(waitMs, () => socket.send(bytes, error => error && reject(error))));
      waitMs += FIRST_WAIT_MS * 2 ** tried;
    }
    timers.push(to.clock.after(waitMs, () => reject(new Error('the router does not speak NAT-PMP'))));
  });
  try {
    return await promise;
  } finally {
    for (const timer of timers) timer.cancel();
    signal?.removeEventListener('abort', onAbort);
    socket.removeAllListeners();
    socket.on('error', () => undefined);
    socket.close();
  }
}
