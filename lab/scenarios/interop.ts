import { buildPeer, type Language, LANGUAGES } from '../interop/build.ts';
import { checkOurRelay, checkTheirRelay } from '../interop/circuits.ts';
import { checkKademlia } from '../interop/kademlia.ts';
import { checkLinks } from '../interop/links.ts';
import { checkLobby } from '../interop/lobby.ts';
import { checkMdns } from '../interop/local-network.ts';
import { checkPunching } from '../interop/punching.ts';
import { createStage, tcpOf } from '../interop/stage.ts';
import type { Scenario } from '../scenario.ts';
import { type Lab, runAlone, scenario } from './harness.ts';

async function checkAgainst(lab: Lab, language: Language): Promise<void> {
  const from = performance.now();
  const build = await buildPeer(language, { tier: lab.tier, say: text => lab.figure(language, text) });
  if ('missing' in build) {
    lab.check(`${language}: skipped: ${build.missing}`, true);
    lab.figure(`${language} skipped`, build.missing);
    return;
  }
  const stage = createStage(lab, language, build.binary);
  const relay = await stage.relay('our-relay');
  const ours = await stage.daemon('ours', { relays: [tcpOf(relay)] });
  await checkLinks(stage, ours, relay);
  await checkOurRelay(stage, ours, relay);
  const [relayIp, hidden, callers] = [lab.address(), lab.address(), lab.address()];
  const places = { relay: { ip: relayIp }, hidden: { ip: hidden }, callers: { ip: callers } };
  await checkTheirRelay(stage, places, language !== 'go');
  await checkLobby(stage, ours, relay);
  await checkKademlia(stage, ours, relay);
  await ours.stop();
  await relay.stop();
  await checkMdns(stage);
  await checkPunching(stage);
  lab.figure(`${language} seconds`, Math.round((performance.now() - from) / 1_000));
}

/** Foreign libp2p peers against the real daemon and relay. */
const against = (name: string, languages: readonly Language[]) =>
  scenario({
    name,
    what: `${languages.join(' and ')} libp2p: identify, ping, circuits, lobby, Kademlia, mDNS`,
    async run(lab) {
      // Most of it is waiting.
      const ends = await Promise.allSettled(languages.map(language => checkAgainst(lab, language)));
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    },
  });

export const interop = against('interop', LANGUAGES);
/** Half of it, by its name only. */
export const interopGo: Scenario = { ...against('interop-go', ['go']), tiers: [] };
export const interopRust: Scenario = { ...against('interop-rust', ['rust']), tiers: [] };

if (import.meta.main) await runAlone(interop);
