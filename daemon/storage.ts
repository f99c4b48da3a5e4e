import { readdirSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Node } from '#api/rest/node';

/** How much the data folder takes, and how much the disk below it has left for us. */
export function storageOf(home: string): NonNullable<Node['storage']> {
  const database = ['p2pmsg.db', 'p2pmsg.db-wal', 'p2pmsg.db-shm'].map(name => sizeOf(join(home, name)));
  const { bavail, bsize } = statfsSync(home);
  return {
    bytes: folderBytes(home),
    databaseBytes: database.reduce((sum, one) => sum + one, 0),
    freeBytes: bavail * bsize,
  };
}

function folderBytes(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true }))
    if (entry.isFile()) bytes += sizeOf(join(entry.parentPath, entry.name));
  return bytes;
}

/** A file that is made and deleted all the time, as SQLite does, counts as what it is at the moment. */
const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
