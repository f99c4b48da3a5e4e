/** The events of one conversation on their way to one webhook. */
export interface Lane {
  /** The conversation; empty for events that are about none. */
  readonly key: string;
  /** Seqs of the next events, oldest first. */
  readonly seqs: number[];
  /** Of this lane the log was looked through up to here. */
  examined: number;
  /** False: after `examined` the log may hold more for it than `seqs`. */
  complete: boolean;
  /** Its place is in the database. */
  held: boolean;
  failingSinceUnixMs: number | null;
  attempts: number;
  /** The last attempt reached nobody. */
  unreachable: boolean;
}

export const newLane = (key: string, examined: number): Lane => ({
  key,
  seqs: [],
  examined,
  complete: false,
  held: false,
  failingSinceUnixMs: null,
  attempts: 0,
  unreachable: false,
});

/** The last seq before everything that these lanes have yet to send, at most `upTo`. */
export function behind(lanes: Iterable<Lane>, upTo: number, counts: (lane: Lane) => boolean = () => true): number {
  let seq = upTo;
  for (const lane of lanes) {
    if (!counts(lane)) continue;
    const first = lane.seqs[0];
    if (first !== undefined) seq = Math.min(seq, first - 1);
    else if (!lane.complete) seq = Math.min(seq, lane.examined);
  }
  return seq;
}
