import { missingFor } from '../net/command.ts';
import { openSwitch } from '../net/switch.ts';
import { must, type Stage } from './stage.ts';

/** rust asks once when it starts and then every five minutes; ours and go's ask again sooner. */
const FOUND_MS = 40_000;

/** Two hosts on one network: each side finds the other by mDNS alone, whoever starts first. */
export async function checkMdns(stage: Stage): Promise<void> {
  const missing = missingFor();
  if (missing !== null) return stage.skips('mDNS', missing);
  for (const first of ['the daemon', 'it'] as const) {
    await using network = await openSwitch(stage.lab, 2);
    const [here, there] = network.hosts;
    if (!here || !there) throw new Error('no hosts');
    const name = first === 'it' ? 'late' : 'early';
    const startOurs = () =>
      stage.daemon(`lan-${name}`, { namespace: here.namespace, mdns: true, listen: ['/ip4/0.0.0.0/tcp/0'] });
    const startTheirs = () =>
      stage.foreign(`lan-${name}-peer`, {
        namespace: there.namespace,
        mdns: true,
        listen: [`/ip4/${there.ip}/tcp/0`],
      });
    const ours = first === 'the daemon' ? await startOurs() : null;
    const peer = await startTheirs();
    const daemon = ours ?? (await startOurs());
    await Promise.all([
      stage.holds(`mDNS, ${first} first: it finds the daemon`, async () => {
        const seen = await peer.sees('the daemon by mDNS', FOUND_MS, one => {
          return one.event === 'discovered' && one.peer === daemon.peerId;
        });
        must(
          seen.addresses.some(one => one.startsWith(`/ip4/${here.ip}/tcp/`)),
          seen.addresses,
        );
      }),
      stage.holds(`mDNS, ${first} first: the daemon finds and dials it`, async () => {
        const link = await peer.sees('the daemon', FOUND_MS, one => {
          return one.event === 'connected' && one.peer === daemon.peerId;
        });
        must(link.direction === 'in' && !link.relayed, link);
      }),
    ]);
    await Promise.all([peer.stop(), daemon.stop()]);
  }
}
