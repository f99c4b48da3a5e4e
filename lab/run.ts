import { parseArgs } from 'node:util';
import { type Check, createChecks, type Scenario, type Tier } from './scenario.ts';
import { SCENARIOS } from './scenarios.ts';
import { openWorkspace } from './workspace.ts';

const USAGE = `usage: npm run lab -- SCENARIO… [--tier ci|full] [--seed N] [--NUMBER N]…
Runs the real programs on this machine and checks what they promise. SCENARIO is 'all' or of:
${Object.entries(SCENARIOS)
  .map(([name, { what, tiers }]) => `  ${name.padEnd(16)} ${what} (${tiers.join(', ')})`)
  .join('\n')}
Each scenario prints a JSON line with its seed, which runs it again, then a table. The folder of a failed one is kept.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  strict: false,
  options: { tier: { type: 'string', default: 'full' }, seed: { type: 'string' }, help: { type: 'boolean' } },
});
const { tier, seed, help, ...others } = values;
const numbers = Object.fromEntries(positionalNumbers());
const names = positionals.filter(text => !/^\d+$/.test(text));
const wrong = names.filter(name => name !== 'all' && !(name in SCENARIOS));
if (help || names.length === 0 || wrong.length > 0 || (tier !== 'ci' && tier !== 'full')) {
  process.stderr.write(`${wrong.map(name => `no scenario ${name}\n`).join('')}${USAGE}\n`);
  process.exit(help ? 0 : 2);
}

/** `--rounds 60` and `--rounds=60`: which numbers there are is the scenario's business. */
function* positionalNumbers(): Generator<[string, number]> {
  for (const [name, value] of Object.entries(others)) {
    const at = process.argv.indexOf(`--${name}`);
    yield [name, Number(typeof value === 'string' ? value : process.argv[at + 1])];
  }
}

const baseSeed = seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(seed);
const checks: { readonly scenario: string; readonly check: Check }[] = [];
for (const [name, scenario] of chosen(tier)) {
  const from = performance.now();
  process.stderr.write(`${name}: ${scenario.what}; seed ${baseSeed}, tier ${tier}\n`);
  const report = await runOne(scenario, name, tier);
  const seconds = Math.round((performance.now() - from) / 100) / 10;
  process.stdout.write(`${JSON.stringify({ scenario: name, tier, seed: baseSeed, numbers, seconds, ...report })}\n`);
  for (const check of report.checks) checks.push({ scenario: name, check });
}

for (const { scenario, check } of checks)
  process.stdout.write(`${check.ok ? 'ok  ' : 'FAIL'}  ${scenario.padEnd(16)} ${check.name}\n`);
const failed = checks.filter(({ check }) => !check.ok).length;
process.stdout.write(`${checks.length - failed} passed, ${failed} failed\n`);
process.exit(failed === 0 && checks.length > 0 ? 0 : 1);

function chosen(wanted: Tier): readonly (readonly [string, Scenario])[] {
  const isRoot = process.getuid?.() === 0;
  return Object.entries(SCENARIOS).filter(([name, { tiers, needsRoot }]) => {
    if (names.includes(name)) return true;
    if (!names.includes('all') || !tiers.includes(wanted)) return false;
    if (needsRoot === true && !isRoot) process.stderr.write(`${name}: left out, it needs root\n`);
    return needsRoot !== true || isRoot;
  });
}

async function runOne(scenario: Scenario, name: string, wanted: Tier) {
  const say = (text: string): void => {
    process.stderr.write(`${name}: ${text}\n`);
  };
  await using lab = openWorkspace(name);
  const checks = createChecks();
  let figures: Readonly<Record<string, unknown>> = {};
  try {
    figures = await scenario.run({ lab, checks, tier: wanted, seed: baseSeed, numbers, say });
    checks.that('has checked something', checks.all.length > 0);
  } catch (fault) {
    const seen = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault);
    say(seen);
    checks.that('ran to its end', false, seen);
  }
  if (checks.failed) {
    lab.keep();
    say(`the folder is kept: ${lab.folder}`);
  }
  return { checks: checks.all, figures };
}
