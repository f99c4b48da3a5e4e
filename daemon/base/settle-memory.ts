import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** After the start everything that was only needed for it is garbage, and the connections of the first seconds stand. */
const AFTER_MS = 10_000;

/**
 * One full collection when the start is over: V8 would let the start's garbage lie until the heap grows, which in an
 * idle daemon is never. Idle memory 170 -> 148 MB (measured, docs/figures.md).
 */
export function settleMemorySoon(): void {
  setTimeout(() => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    setFlagsFromString('--no-expose-gc');
    collect();
  }, AFTER_MS).unref();
}
