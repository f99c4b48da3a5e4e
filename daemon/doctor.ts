import type { Diagnosis, Finding } from '#api/rest/node';

/** Looks at one thing. What it throws is a finding too. */
export interface Check {
  readonly name: string;
  look(): Omit<Finding, 'name'> | Promise<Omit<Finding, 'name'>>;
}

const RANK = { ok: 0, warn: 1, fail: 2 } as const;

/** Runs all checks side by side; the findings keep the order of the checks. */
export async function diagnose(checks: readonly Check[]): Promise<Diagnosis> {
  const findings = await Promise.all(
    checks.map(async (check): Promise<Finding> => {
      const { name } = check;
      try {
        return { name, ...(await check.look()) };
      } catch (error) {
        return { name, status: 'fail', text: error instanceof Error ? error.message : String(error) };
      }
    }),
  );
  const worst = findings.toSorted((a, b) => RANK[b.status] - RANK[a.status])[0];
  return { status: worst?.status ?? 'ok', checks: findings };
}
