import { existsSync, readdirSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Node } from '#api/rest/node';

/** How much the data takes, and how much the disk below it has left for us. Asked with each `GET /v1/node`. */
export function storageOf(home: string): NonNullable<Node['storage']> {
  const database = ['p2pmsg.db', 'p2pmsg.db-wal', 'p2pmsg.db-shm'].map(name => sizeOf(join(home, name)));
  const { bavail, bsize } = statfsSync(home);
  return {
    bytes: ['.', 'cache', 'backups'].reduce((sum, name) => sum + folderBytes(join(home, name)), 0),
    databaseBytes: database.reduce((sum, one) => sum + one, 0),
    freeBytes: bavail * bsize,
  };
}

/** Not what lies deeper: that is the compile cache, thousands of small files that nobody asks for. */
function folderBytes(folder: string): number {
  if (!existsSync(folder)) return 0;
  const files = readdirSync(folder, { withFileTypes: true }).filter(entry => entry.isFile());
  return files.reduce((sum, { name }) => sum + sizeOf(join(folder, name)), 0);
}

/** A file that is made and deleted all the time, as SQLite does, counts as what it is at the moment. */
const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
