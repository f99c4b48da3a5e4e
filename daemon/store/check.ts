import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';

/** Findings of `quick_check`, empty when the file is sound. The file is never changed or deleted. */
export function checkDatabase(path: string): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(`./check-worker${extname(import.meta.filename)}`, import.meta.url), {
      workerData: { path },
    });
    worker.once('message', (findings: string[]) => resolve(findings));
    worker.once('error', reject);
    worker.once('exit', code => {
      if (code !== 0) reject(new Error(`the check ended with ${code}`));
    });
    worker.unref();
  });
}
