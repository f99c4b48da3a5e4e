import type { MasterKey } from './master-key.ts';
import { keyText, parseKeyText } from './master-key.ts';

const SERVICE = 'p2pmsgd';
/** A locked keyring asks its user; a service that nobody looks at must not wait for that. */
const ANSWER_MS = 20_000;

/**
 * One key in the keyring of the operating system, under the id of key.json. On Linux only the Secret Service counts:
 * without it the library falls back to the kernel's keyring, which forgets everything at a restart of the machine.
 */
async function entryOf(id: string) {
  // An optional package, and a native one: loaded by those who use it.
  const { AsyncEntry } = await import('@napi-rs/keyring');
  return new AsyncEntry(SERVICE, id, { linux: { store: 'secret-service' } });
}

/** @throws Error when there is no keyring or it is locked; null: it has no such key */
export async function readKeyring(id: string): Promise<MasterKey | null> {
  const entry = await entryOf(id);
  const text = await inTime(signal => entry.getPassword(signal));
  return typeof text === 'string' ? parseKeyText(text) : null;
}

/** Whether there is one that keeps what it is given, and answers. */
export const hasKeyring = (): Promise<boolean> =>
  readKeyring('probe').then(
    () => true,
    () => false,
  );

export async function writeKeyring(id: string, key: MasterKey): Promise<void> {
  const entry = await entryOf(id);
  await inTime(signal => entry.setPassword(keyText(key), signal));
  const stored = await readKeyring(id);
  if (!stored || !Buffer.from(stored).equals(Buffer.from(key))) throw new Error('it did not keep the key');
}

export async function forgetInKeyring(id: string): Promise<void> {
  const entry = await entryOf(id);
  await inTime(signal => entry.deleteCredential(signal));
}

async function inTime<T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(ANSWER_MS);
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error(`it did not answer in ${ANSWER_MS / 1000} s`)), {
      once: true,
    });
  });
  return Promise.race([ask(signal), late]);
}
