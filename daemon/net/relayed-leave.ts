import type { Connection } from '@libp2p/interface';
import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';

const CHECK_EVERY_MS = 5_000;
/** What runs on every connection and moves by itself. */
const UPKEEP = /^\/(ipfs\/(id|ping)\/|meshsub\/|floodsub\/|libp2p\/dcutr$)/;

/**
 * Closes a relayed connection that a punched one has made needless, as soon as nothing but upkeep runs on it. Only ever
 * the one over which the hole was arranged: of any other one we do not know that it ends at the same process, and two
 * processes with one identity are found by the streams that each of them has (conversation/instances.ts).
 */
export function leaveRelayed(
  { clock, log }: { clock: Clock; log: Logger },
  { relayed, direct, afterMs }: { relayed: Connection; direct: Connection; afterMs: number },
): void {
  let timer: Timer | null = null;
  const look = (): void => {
    if (relayed.status !== 'open' || direct.status !== 'open') return;
    if (relayed.streams.every(stream => UPKEEP.test(stream.protocol))) {
      // close() lets gossip notice; it opens its streams on the other one (gossip-healing.ts).
      relayed.close().catch((error: unknown) => log.debug({ reason: String(error) }, 'relayed connection not closed'));
      return;
    }
    timer = clock.after(CHECK_EVERY_MS, look);
  };
  timer = clock.after(afterMs, look);
  for (const connection of [relayed, direct])
    connection.addEventListener('close', () => timer?.cancel(), { once: true });
}
