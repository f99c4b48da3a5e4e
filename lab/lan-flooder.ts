import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { generateIdentity } from '../daemon/net/keyfile.ts';
import { encodeAnswer } from '../daemon/net/mdns-message.ts';

/**
 * A host on the local network that announces peers that do not exist: each with eight addresses, at itself and at hosts
 * that are not there. One in ten names `--victim`, a peer that others do want. Ends with the lab.
 */
const { values } = parseArgs({
  options: {
    ip: { type: 'string', default: '' },
    rate: { type: 'string', default: '500' },
    victim: { type: 'string', default: '' },
    folder: { type: 'string' },
  },
});
const { ip, victim } = values;
const STEP_MS = 20;
const invented = Array.from({ length: 2_000 }, () => generateIdentity().peerId as string);
const socket = createSocket({ type: 'udp4', reuseAddr: true });
socket.bind(5353, ip);
await once(socket, 'listening');
socket.setMulticastInterface(ip);

let sent = 0;
function announce(): void {
  sent += 1;
  const peer = sent % 10 === 0 ? victim : (invented[sent % invented.length] ?? victim);
  const network = ip.replace(/\.\d+$/, '');
  const addresses = Array.from({ length: 8 }, (_, n) => {
    const host = n % 2 === 0 ? ip : `${network}.${100 + ((sent + n) % 150)}`;
    return `/ip4/${host}/tcp/${1_024 + ((sent * 8 + n) % 60_000)}/p2p/${peer}`;
  });
  socket.send(encodeAnswer({ instance: `x${sent}`, addresses, ip }), 5353, '224.0.0.251');
}

const startedAtMs = performance.now();
setInterval(() => {
  const due = ((performance.now() - startedAtMs) / 1_000) * Number(values.rate);
  while (sent < due) announce();
}, STEP_MS);
process.stdout.write('flooding\n');
