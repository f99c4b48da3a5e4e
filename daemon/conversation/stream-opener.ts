import type { PeerId } from '#api/ids';
import { DELIVER_PROTOCOL } from '#api/wire/protocols';
import { type FrameStream, ProtocolUnsupportedError } from '../net/transport.ts';
import type { Core } from './deps.ts';
import { withDeadline } from './stream-io.ts';

const CONNECT_TIMEOUT_MS = 20_000;
/** A lookup takes at most 8 s, and may wait for others. */
const LOCATE_TIMEOUT_MS = 15_000;

export interface StreamOpenerDeps {
  readonly addressesOf: (peer: PeerId) => readonly string[];
  /** Further addresses of a peer that does not answer at the known ones; none when it should not be looked for now. */
  readonly locate: (
    peer: PeerId,
    search: { readonly known: readonly string[]; readonly waiting: boolean; readonly signal: AbortSignal },
  ) => Promise<readonly string[]>;
}

/** Opens delivery streams to one peer: at its known addresses, then at those that others know. */
export class StreamOpener {
  readonly #core: Core;
  readonly #deps: StreamOpenerDeps;
  readonly #peer: PeerId;
  #search: AbortController | null = null;

  constructor(core: Core, deps: StreamOpenerDeps, peer: PeerId) {
    this.#core = core;
    this.#deps = deps;
    this.#peer = peer;
  }

  /** `waiting`: there is something to send. Rejects when the peer is not reached, or `stopping` aborts. */
  async open(waiting: boolean, stopping: AbortSignal): Promise<FrameStream> {
    const known = this.#deps.addressesOf(this.#peer);
    try {
      return await this.#openAt(known, stopping);
    } catch (error) {
      // One that was reached need not be looked for.
      if (stopping.aborted || error instanceof ProtocolUnsupportedError) throw error;
      const found = await this.#find({ known, waiting }, stopping).catch(() => []);
      // While it was looked for, it may have called.
      const isThere = found.length > 0 || this.#core.transport.connection(this.#peer) !== null;
      if (stopping.aborted || !isThere) throw error;
      return this.#openAt(found, stopping);
    }
  }

  /** The peer has shown itself: it need not be looked for any more. */
  shown(): void {
    this.#search?.abort(new Error('the peer has shown itself'));
  }

  #openAt(addresses: readonly string[], stopping: AbortSignal): Promise<FrameStream> {
    const { clock, transport } = this.#core;
    return withDeadline(clock, { outer: stopping, timeoutMs: CONNECT_TIMEOUT_MS }, signal =>
      transport.openStream(this.#peer, DELIVER_PROTOCOL, { signal, addresses }),
    );
  }

  async #find(
    search: { known: readonly string[]; waiting: boolean },
    stopping: AbortSignal,
  ): Promise<readonly string[]> {
    const controller = new AbortController();
    this.#search = controller;
    const stop = (): void => controller.abort(stopping.reason);
    stopping.addEventListener('abort', stop);
    try {
      return await withDeadline(this.#core.clock, { outer: controller.signal, timeoutMs: LOCATE_TIMEOUT_MS }, signal =>
        this.#deps.locate(this.#peer, { ...search, signal }),
      );
    } finally {
      stopping.removeEventListener('abort', stop);
      this.#search = null;
    }
  }
}
