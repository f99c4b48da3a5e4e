import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';

/** Runs `quick_check` on its own read-only connection, so that the daemon is not held up. Answers with the findings. */
const { path } = workerData as { path: string };
const db = new Database(path, { readonly: true });
const rows = db.pragma('quick_check(20)') as { quick_check: string }[];
db.close();
parentPort?.postMessage(rows.map(row => row.quick_check).filter(text => text !== 'ok'));
