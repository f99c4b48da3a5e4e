import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { randomInt } from 'node:crypto';
import { stopAll } from './adapter.ts';

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail?: string;
}

export interface Lab {
  readonly seed: number;
  readonly tier: 'ci' | 'full';
  /** Own temporary folder, gone at the end unless `--keep`. */
  readonly folder: string;
  /** 0 ≤ x < 1, repeated by the seed. */
  random(): number;
  /** A loopback address of this scenario alone: libp2p counts new connections per remote host. */
  host(): string;
  check(name: string, ok: boolean, detail?: unknown): void;
}

export interface Scenario {
  readonly name: string;
  readonly run: (lab: Lab) => Promise<void>;
  /** Why it cannot run here; null when it can. */
  readonly missing?: () => string | null;
}

/** mulberry32 */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Runs one scenario from the command line, prints one JSON object, sets the exit code. */
export async function runAlone(scenario: Scenario): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      tier: { type: 'string', default: 'ci' },
      keep: { type: 'boolean', default: false },
    },
  });
  const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
  const missing = scenario.missing?.() ?? null;
  if (missing !== null) {
    console.log(JSON.stringify({ scenario: scenario.name, seed, skipped: missing }));
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), `p2pmsg-${scenario.name}-`));
  const random = seeded(seed);
  const checks: Check[] = [];
  const net = 1 + Math.floor(random() * 250);
  let hosts = 0;
  const from = performance.now();
  const lab: Lab = {
    seed,
    tier: values.tier === 'full' ? 'full' : 'ci',
    folder,
    random,
    host: () => `127.${net}.${1 + Math.floor(hosts / 200)}.${1 + (hosts++ % 200)}`,
    check(name, ok, detail) {
      const shown = detail === undefined || ok ? {} : { detail: JSON.stringify(detail).slice(0, 2_000) };
      checks.push({ name, ok, ...shown });
      if (!ok) console.error(`FAIL ${name} ${shown.detail ?? ''}`);
    },
  };
  try {
    await scenario.run(lab);
  } catch (error) {
    lab.check('the scenario runs to its end', false, (error as Error).stack);
  }
  await stopAll();
  if (!values.keep) rmSync(folder, { recursive: true, force: true });
  const failed = checks.filter(one => !one.ok).length;
  const seconds = Math.round((performance.now() - from) / 100) / 10;
  console.log(JSON.stringify({ scenario: scenario.name, seed, tier: lab.tier, seconds, failed, checks }, null, 1));
  process.exitCode = failed > 0 || checks.length === 0 ? 1 : 0;
}
