import { parentPort, workerData } from 'node:worker_threads';
import { createSearchEngine } from './search-engine.ts';
import type { FromWorker, ToWorker, WorkerSettings } from './worker-messages.ts';

/** Searches, and between searches keeps the index in step. Reads p2pmsg.db, writes only its own file. */
const settings = workerData as WorkerSettings;
const say = (message: FromWorker): void => parentPort?.postMessage(message);
const engine = createSearchEngine(settings, {
  removed: seq => say({ type: 'removed', seq }),
  note: (level, text, detail) => say({ type: 'note', level, text, detail }),
  nowMs: () => performance.now(),
});
let turn: NodeJS.Immediate | null = null;

function work(): void {
  turn = null;
  try {
    if (engine.step()) turn = setImmediate(work);
    else say({ type: 'idle' });
  } catch (error) {
    say({ type: 'note', level: 'warn', text: 'the index of the search stands still', detail: String(error) });
    say({ type: 'idle' });
  }
}

parentPort?.on('message', (message: ToWorker) => {
  if (message.type === 'find') {
    try {
      engine.catchUp();
      say({ type: 'began', id: message.id });
      say({ type: 'found', id: message.id, answer: engine.find(message.request) });
    } catch (error) {
      say({ type: 'failed', id: message.id, text: String(error) });
    }
  }
  if (message.type === 'end') {
    if (turn) clearImmediate(turn);
    engine.close();
    parentPort?.close();
    return;
  }
  turn ??= setImmediate(work);
});
