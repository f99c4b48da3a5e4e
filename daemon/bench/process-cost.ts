import { readFileSync } from 'node:fs';

/** What a process holds in memory now. */
export interface Memory {
  readonly rssMb: number;
  /** Without the program's own files: what grows. */
  readonly anonMb: number;
}

/** User and system time of a process since its start; the kernel counts in ticks of 10 ms. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name, in brackets, may contain anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

export function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const megabytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1_024;
  return { rssMb: megabytes('VmRSS'), anonMb: megabytes('RssAnon') };
}
