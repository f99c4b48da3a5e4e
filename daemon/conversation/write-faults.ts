import type { TestNode } from './testbed.ts';

/** Makes writes to a table fail as a damaged file or a bug would, until the returned function is called. */
export function failWrites(
  node: TestNode,
  fault: { table: string; on?: 'INSERT' | 'UPDATE'; when?: string },
): () => void {
  const { table, on = 'INSERT', when = '1' } = fault;
  const name = `no_${on}_${table}`;
  run(node, `CREATE TRIGGER ${name} BEFORE ${on} ON ${table} WHEN ${when} BEGIN SELECT RAISE(ABORT, 'no'); END`);
  return () => run(node, `DROP TRIGGER ${name}`);
}

/** On the node's own connection: closing another one on the same file would drop its locks. */
function run(node: TestNode, sql: string): void {
  const query = {
    sql,
    parameters: [],
    query: { kind: 'RawNode', sqlFragments: [sql], parameters: [] },
    queryId: { queryId: '' },
  } as const;
  node.core.store.prepare(() => ({ compile: () => query })).run();
}

/** What nobody catches between now and the disposal: the daemon ends itself on it. */
export function watchRejections(): { readonly seen: string[]; [Symbol.dispose](): void } {
  const seen: string[] = [];
  const note = (error: unknown): void => void seen.push(String(error));
  process.on('unhandledRejection', note);
  return { seen, [Symbol.dispose]: () => void process.off('unhandledRejection', note) };
}
