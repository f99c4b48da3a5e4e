import { type LineProcess, startLineProcess } from './line-process.ts';

export interface RelayProcess extends AsyncDisposable {
  readonly pid: number;
  readonly address: string;
}

interface Ready {
  readonly pid: number;
  readonly addresses: readonly string[];
}

const processOf = (started: LineProcess<Ready>): RelayProcess => ({
  pid: started.first.pid,
  address: started.first.addresses[0] ?? '',
  [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
});

/** The program itself, on an empty home, with the limits that it has when nobody says otherwise. */
export async function startRelay(home: string, ip: string, more: readonly string[] = []): Promise<RelayProcess> {
  const program = new URL('../../bin/p2pmsg-relay', import.meta.url).pathname;
  const args = ['serve', '--json', '--log-level=warn', '--home', home, '--listen', `/ip4/${ip}/tcp/0`, ...more];
  return processOf(await startLineProcess<Ready>(program, args));
}

/** A relay of plain js-libp2p, in plain Node. */
export async function startBareRelay(ip: string): Promise<RelayProcess> {
  const script = new URL('bare-relay.ts', import.meta.url).pathname;
  return processOf(await startLineProcess<Ready>(process.execPath, [script, `/ip4/${ip}/tcp/0`]));
}
