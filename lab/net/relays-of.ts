import { call } from '../api.ts';
import type { Daemon, Program } from '../programs.ts';
import { eventually } from '../scenario.ts';

export interface RelayView {
  readonly peerId: string;
  readonly address: string;
  readonly reservation: 'active' | 'pending' | 'lost';
  readonly connected: boolean;
  readonly lastError?: string;
}

export const relaysOf = async (daemon: Daemon): Promise<readonly RelayView[]> =>
  (await call<{ relays: readonly RelayView[] }>(daemon.address, 'GET', '/v1/network')).relays;

/** @throws when not all of the daemons hold a reservation at all of the relays in time */
export async function reserved(
  daemons: readonly Daemon[],
  relays: readonly Program[],
  timeoutMs = 60_000,
): Promise<void> {
  const wanted = relays.map(({ ready }) => ready.peerId);
  for (const daemon of daemons) {
    const active = await eventually(timeoutMs, 50, async () => {
      const held = (await relaysOf(daemon)).filter(({ reservation }) => reservation === 'active');
      return wanted.every(id => held.some(({ peerId }) => peerId === id));
    });
    if (!active) throw new Error(`${daemon.name} got no reservation: ${JSON.stringify(await relaysOf(daemon))}`);
  }
}
