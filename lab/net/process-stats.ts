import { readdirSync, readFileSync } from 'node:fs';
import type { World } from './world.ts';

/** What a process costs now. */
export function processStats(pid: number): { readonly rssMiB: number; readonly openFiles: number } {
  const rssKiB = Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  return { rssMiB: Math.round(rssKiB / 102.4) / 10, openFiles: readdirSync(`/proc/${pid}/fd`).length };
}

/** Counts connections that processes of a host try to open: SYNs, resent ones too. */
export async function countDials(world: World, host: string): Promise<() => Promise<number>> {
  const rules = `table inet dials {
    chain out {
      type filter hook output priority 0;
      tcp flags & (syn | ack) == syn counter
    }
  }\n`;
  await world.run(host, ['nft', '-f', '-'], rules);
  return async () => {
    const listed = await world.run(host, ['nft', 'list', 'table', 'inet', 'dials']);
    return Number(/counter packets (\d+)/.exec(listed)?.[1]);
  };
}
