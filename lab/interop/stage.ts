import { type Daemon, type Program, startDaemon, startRelay } from '../scenarios/adapter.ts';
import type { Lab } from '../scenarios/harness.ts';
import { tcp } from '../scenarios/talk.ts';
import type { Language } from './build.ts';
import { type ForeignOptions, type ForeignPeer, startForeign } from './foreign-peer.ts';

/** What the checks of one foreign language work with. Names of checks begin with the language. */
export interface Stage {
  readonly language: Language;
  readonly lab: Lab;
  /** One promise: kept when `work` resolves, broken when it throws, which is told with its reason. */
  holds(promise: string, work: () => Promise<unknown>): Promise<void>;
  /** Says why something is not checked here. */
  skips(what: string, reason: string): void;
  foreign(name: string, options?: Partial<ForeignOptions>): Promise<ForeignPeer>;
  daemon(name: string, options?: Partial<Parameters<typeof startDaemon>[1]>): Promise<Daemon>;
  relay(name: string): Promise<Program>;
}

export function createStage(lab: Lab, language: Language, binary: string): Stage {
  const named = (name: string): string => `${language}-${name}`;
  return {
    language,
    lab,
    async holds(promise, work) {
      try {
        await work();
        lab.check(`${language}: ${promise}`, true);
      } catch (fault) {
        lab.check(`${language}: ${promise}`, false, fault instanceof Error ? fault.message : fault);
      }
    },
    skips(what, reason) {
      lab.check(`${language}: skipped: ${what}: ${reason}`, true);
      lab.figure(`${language} skipped`, `${what}: ${reason}`);
    },
    foreign: (name, options = {}) =>
      startForeign(lab, { language, binary, listen: [tcp(lab.address())], ...options, name: named(name) }),
    daemon: (name, options = {}) =>
      startDaemon(lab, {
        listen: [tcp(lab.address())],
        name: named(name),
        ...options,
        home: `${lab.folder}/${named(name)}`,
      }),
    relay: name => startRelay(lab, { home: `${lab.folder}/${named(name)}`, listen: [tcp(lab.address())] }),
  };
}

/** @throws when what was seen is not what was promised */
export function must(ok: boolean, seen: unknown): asserts ok {
  if (!ok) throw new Error(`seen: ${JSON.stringify(seen)}`);
}

/** The first address, of those given, that a TCP dialer can use. */
export function tcpOf({ addresses }: { readonly addresses: readonly string[] }): string {
  const address = addresses.find(one => one.includes('/tcp/') && !one.includes('/p2p-circuit'));
  if (address === undefined) throw new Error(`no TCP address in ${addresses.join(' ')}`);
  return address;
}

export const through = (relay: { readonly addresses: readonly string[] }, peerId: string): string =>
  `${tcpOf(relay)}/p2p-circuit/p2p/${peerId}`;
