import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { DatabaseKey } from './sqlite.ts';

/** Findings of `quick_check`, empty when the file is sound. The file is never changed or deleted. */
export function checkDatabase(path: string, key: DatabaseKey | null = null): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(`./check-worker${extname(import.meta.filename)}`, import.meta.url), {
      workerData: { path, key },
    });
    worker.once('message', (findings: string[]) => resolve(findings));
    worker.once('error', reject);
    worker.once('exit', code => {
      if (code !== 0) reject(new Error(`the check ended with ${code}`));
    });
    worker.unref();
  });
}
