import { constants } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { isTokenText } from './token-text.ts';

const FILE_MODE = 0o600;

/** Null when there is no file or it holds no whole token. Looser rights than 0600 are taken away. */
export async function readAdminToken(path: string): Promise<string | null> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (fault) {
    // ELOOP: a link in the place of the file. It is replaced, not followed.
    if (['ENOENT', 'ELOOP'].includes((fault as NodeJS.ErrnoException).code ?? '')) return null;
    throw fault;
  }
  try {
    const stat = await file.stat();
    if (!stat.isFile() || stat.size > 1024) return null;
    if ((stat.mode & 0o777) !== FILE_MODE) await file.chmod(FILE_MODE);
    const text = (await file.readFile('utf8')).trim();
    return isTokenText(text) ? text : null;
  } finally {
    await file.close();
  }
}

/** One token and a newline, mode 0600; a reader sees the old token or the new one, never half. */
export async function writeAdminToken(path: string, token: string): Promise<void> {
  const fresh = `${path}.new`;
  await rm(fresh, { force: true });
  const file = await open(fresh, 'wx', FILE_MODE);
  try {
    await file.chmod(FILE_MODE);
    await file.writeFile(`${token}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(fresh, path);
}
