import { LARGE_ENVELOPE_BYTES, SMALL_CIRCUIT_BYTES, WINDOW_BYTES, WINDOW_ENVELOPES } from '#api/wire/protocols';
import { hex } from './content.ts';

/** Of an outbox row, what is asked when the answer comes. */
export interface SentRow {
  readonly row: number;
  readonly message_id: string;
  readonly visible: number;
}

export interface InFlight {
  /** The contents inside, in chain order. */
  readonly rows: readonly SentRow[];
  readonly bytes: number;
  readonly sentAtMs: number;
}

/**
 * Envelopes written to one stream and not answered yet: at most 64 or 512 KiB; on a circuit with a small data limit
 * one large envelope at a time, so that a cut costs little.
 */
export class SendWindow {
  readonly #flying = new Map<string, InFlight>();
  readonly #smallCircuit: boolean;
  #bytes = 0;

  constructor(dataLimitBytes: number | undefined) {
    this.#smallCircuit = dataLimitBytes !== undefined && dataLimitBytes < SMALL_CIRCUIT_BYTES;
  }

  get size(): number {
    return this.#flying.size;
  }

  /** How many more envelopes fit; large ones may still have to wait, see `takes`. */
  get room(): number {
    return this.#bytes >= WINDOW_BYTES ? 0 : WINDOW_ENVELOPES - this.#flying.size;
  }

  takes(bytes: number): boolean {
    if (this.#flying.size === 0) return true;
    if (this.#flying.size >= WINDOW_ENVELOPES || this.#bytes + bytes > WINDOW_BYTES) return false;
    if (!this.#smallCircuit || bytes <= LARGE_ENVELOPE_BYTES) return true;
    return ![...this.#flying.values()].some(one => one.bytes > LARGE_ENVELOPE_BYTES);
  }

  has(envelopeId: Uint8Array): boolean {
    return this.#flying.has(hex(envelopeId));
  }

  add(envelopeId: Uint8Array, one: InFlight): void {
    this.#flying.set(hex(envelopeId), one);
    this.#bytes += one.bytes;
  }

  take(envelopeId: Uint8Array): InFlight | null {
    const key = hex(envelopeId);
    const one = this.#flying.get(key);
    if (!one) return null;
    this.#flying.delete(key);
    this.#bytes -= one.bytes;
    return one;
  }

  /** The oldest message that the user sees. */
  firstVisible(): { readonly messageId: string; readonly sentAtMs: number } | null {
    for (const { rows, sentAtMs } of this.#flying.values())
      for (const { visible, message_id: messageId } of rows) if (visible === 1) return { messageId, sentAtMs };
    return null;
  }
}
