/**
 * For tests: so long they wait for what must come. It says nothing about how fast anything is: a machine that is ten
 * times slower must not fail a test, nor one on which the test gets no turn.
 */
const PATIENCE_MS = 60_000;
const PATIENCE_LOOKS = 4_000;
/** Of the event loop, in which nothing happened. */
const STILL_TURNS = 100;

/** For tests: resolves when the condition holds; rejects when it never does. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  for (let looks = 0; !(await condition()); looks += 1) {
    if (performance.now() > endMs && looks > PATIENCE_LOOKS)
      throw new Error(`not reached within ${PATIENCE_MS} ms: ${condition.toString()}`);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

/** For tests: the limit of a call that must succeed. */
export const patience = (): AbortSignal => AbortSignal.timeout(2 * PATIENCE_MS);

/**
 * For tests: resolves when the value was the same over many turns of the event loop. What is under way inside this
 * process, sockets to itself included, moves on in each turn, however slow the machine is; a span of time may have none.
 */
export async function untilStill(value: () => unknown): Promise<void> {
  let last: unknown = value();
  let turns = 0;
  await until(() => {
    const now = value();
    turns = now === last ? turns + 1 : 0;
    last = now;
    return turns >= STILL_TURNS;
  });
}
