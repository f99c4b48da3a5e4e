import type { HostOptions } from '../daemon/net/host.ts';

type Datastore = NonNullable<HostOptions['datastore']>;
type Key = Parameters<Datastore['get']>[0];
type Pair = { key: Key; value: Uint8Array };

interface Bound {
  readonly prefix: string;
  readonly maxEntries: number;
}

/**
 * libp2p's store in memory, with bounds on what strangers can leave there: entries whose key begins with a `prefix`
 * push out the oldest of their kind. (libp2p's own memory store has no bound.)
 */
export class BoundedDatastore implements Datastore {
  readonly #entries = new Map<string, Pair>();
  readonly #bounds: readonly (Bound & { readonly names: Set<string> })[];

  constructor(...bounds: readonly Bound[]) {
    this.#bounds = bounds.map(bound => ({ ...bound, names: new Set() }));
  }

  put(key: Key, value: Uint8Array): Key {
    const name = key.toString();
    this.#entries.set(name, { key, value });
    const bound = this.#bounds.find(({ prefix }) => name.startsWith(prefix));
    if (!bound) return key;
    const { names, maxEntries } = bound;
    names.delete(name);
    names.add(name);
    for (const oldest of names) {
      if (names.size <= maxEntries) break;
      names.delete(oldest);
      this.#entries.delete(oldest);
    }
    return key;
  }

  get(key: Key): Uint8Array {
    const entry = this.#entries.get(key.toString());
    if (!entry) throw Object.assign(new Error('not found'), { name: 'NotFoundError', code: 'ERR_NOT_FOUND' });
    return entry.value;
  }

  has(key: Key): boolean {
    return this.#entries.has(key.toString());
  }

  delete(key: Key): void {
    this.#entries.delete(key.toString());
    for (const { names } of this.#bounds) names.delete(key.toString());
  }

  async *putMany(source: AsyncIterable<Pair> | Iterable<Pair>): AsyncGenerator<Key> {
    for await (const { key, value } of source) yield this.put(key, value);
  }

  async *getMany(source: AsyncIterable<Key> | Iterable<Key>): AsyncGenerator<Pair> {
    for await (const key of source) yield { key, value: this.get(key) };
  }

  async *deleteMany(source: AsyncIterable<Key> | Iterable<Key>): AsyncGenerator<Key> {
    for await (const key of source) {
      this.delete(key);
      yield key;
    }
  }

  batch(): ReturnType<Datastore['batch']> {
    let steps: (() => void)[] = [];
    return {
      put: (key, value) => void steps.push(() => this.put(key, value)),
      delete: key => void steps.push(() => this.delete(key)),
      commit: () => {
        for (const step of steps) step();
        steps = [];
      },
    };
  }

  *query(query: Parameters<Datastore['query']>[0]): Generator<Pair> {
    let found = this.#select(query.prefix).filter(pair => query.filters?.every(filter => filter(pair)) ?? true);
    for (const order of query.orders ?? []) found = found.toSorted(order);
    yield* page(found, query);
  }

  *queryKeys(query: Parameters<Datastore['queryKeys']>[0]): Generator<Key> {
    let found = this.#select(query.prefix)
      .map(pair => pair.key)
      .filter(key => query.filters?.every(filter => filter(key)) ?? true);
    for (const order of query.orders ?? []) found = found.toSorted(order);
    yield* page(found, query);
  }

  #select(prefix = ''): Pair[] {
    return [...this.#entries].filter(([name]) => name.startsWith(prefix)).map(([, pair]) => pair);
  }
}

const page = <T>(all: readonly T[], { offset = 0, limit }: { offset?: number; limit?: number }): readonly T[] =>
  all.slice(offset, limit === undefined ? undefined : offset + limit);
