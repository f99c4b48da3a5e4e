import { readFileSync } from 'node:fs';

// Reads vitest's JSON report and prints `passed failed skipped`. A file that could not even be loaded has no tests
// and counts as one failure. Ends with 1 when there is no report, or it has no test in it.
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests?: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
}
const report = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Report;
const broken = report.testResults.filter(file => file.status === 'failed' && file.assertionResults.length === 0).length;
const failed = report.numFailedTests + broken;
if (report.numPassedTests + failed === 0) process.exit(1);
process.stdout.write(`${report.numPassedTests} ${failed} ${report.numPendingTests + (report.numTodoTests ?? 0)}\n`);
