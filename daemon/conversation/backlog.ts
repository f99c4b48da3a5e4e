/**
 * Whether something may wait in the database that must be sealed before anything newer: until nothing was found there
 * while nothing was being written.
 */
export class Backlog {
  #any = true;
  #writing = 0;

  get any(): boolean {
    return this.#any;
  }

  /** A row is being written unsealed. Resolves when it stands, or could not be written. */
  async growing(written: Promise<unknown>): Promise<void> {
    this.#any = true;
    this.#writing += 1;
    await written.catch(() => undefined);
    this.#writing -= 1;
  }

  /** There may be something. */
  assume(): void {
    this.#any = true;
  }

  /** Nothing was found. */
  foundNothing(): void {
    if (this.#writing === 0) this.#any = false;
  }
}
