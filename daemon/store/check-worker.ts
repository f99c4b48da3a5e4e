import { parentPort, workerData } from 'node:worker_threads';
import type { DatabaseKey } from './sqlite.ts';
import { openDatabase } from './sqlite.ts';

/** Runs `quick_check` on its own read-only connection, so that the daemon is not held up. Answers with the findings. */
const { path, key } = workerData as { path: string; key: DatabaseKey | null };
const db = openDatabase(path, { readonly: true, key });
const rows = db.pragma('quick_check(20)') as { quick_check: string }[];
db.close();
parentPort?.postMessage(rows.map(row => row.quick_check).filter(text => text !== 'ok'));
