import { LARGE_ENVELOPE_BYTES, SMALL_CIRCUIT_BYTES, WINDOW_BYTES, WINDOW_ENVELOPES } from '#api/wire/protocols';
import { hex } from './content.ts';

export interface InFlight {
  readonly row: number;
  readonly messageId: string;
  readonly visible: boolean;
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

  has(row: number): boolean {
    return [...this.#flying.values()].some(one => one.row === row);
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

  all(): readonly InFlight[] {
    return [...this.#flying.values()];
  }
}
