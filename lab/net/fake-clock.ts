import { globSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The wall clock of one program, moved while it runs. Its monotonic clock goes on: that is what a set clock does. */
export interface FakeClock {
  readonly env: Readonly<Record<string, string>>;
  /** From now on the program's wall clock is off by so much. */
  set(offsetSeconds: number): void;
}

/** Null where libfaketime (Debian package of this name) is not installed. */
export function createFakeClock(folder: string, name: string): FakeClock | null {
  const [library] = globSync('/usr/lib/*/faketime/libfaketimeMT.so.1');
  if (library === undefined) return null;
  const file = join(folder, `${name}.clock`);
  const set = (offsetSeconds: number): void =>
    writeFileSync(file, `${offsetSeconds < 0 ? '-' : '+'}${Math.abs(offsetSeconds)}\n`);
  set(0);
  return {
    env: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_CACHE_DURATION: '1',
      DONT_FAKE_MONOTONIC: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
    set,
  };
}
