import { metaQueries } from './meta-queries.ts';
import type { Prepare } from './statement.ts';
import { p } from './statement.ts';

/** Small facts of this node: settings, presence sequences, relays, tokens, kept answers, audit. */
export function nodeQueries(prepare: Prepare) {
  return {
    ...metaQueries(prepare),

    seen: prepare(db => db.selectFrom('presence_seen').selectAll().where('peer', '=', p('peer'))),
    saveSeen: prepare(db =>
      db
        .insertInto('presence_seen')
        .values({
          peer: p('peer'),
          seq: p('seq'),
          gossip_seqno: p('gossipSeqno'),
          name: p('name'),
          last_seen_at: p('lastSeenAt'),
          at: p('at'),
        })
        .onConflict(c =>
          c.column('peer').doUpdateSet(x => ({
            seq: x.ref('excluded.seq'),
            gossip_seqno: x.ref('excluded.gossip_seqno'),
            name: x.ref('excluded.name'),
            last_seen_at: x.ref('excluded.last_seen_at'),
            at: x.ref('excluded.at'),
          })),
        ),
    ),
    /** Keeps contacts and the 10,000 latest others. */
    trimSeen: prepare(db =>
      db
        .deleteFrom('presence_seen')
        .where('peer', 'not in', x => x.selectFrom('contacts').select('peer'))
        .where('peer', 'not in', x => x.selectFrom('presence_seen').select('peer').orderBy('at', 'desc').limit(10_000)),
    ),

    relays: prepare(db => db.selectFrom('relays').selectAll().orderBy('added_at').orderBy('peer')),
    saveRelay: prepare(db =>
      db
        .insertInto('relays')
        .values({ peer: p('peer'), kind: p('kind'), address: p('address'), added_at: p('at') })
        .onConflict(c => c.columns(['kind', 'peer']).doUpdateSet(x => ({ address: x.ref('excluded.address') }))),
    ),
    removeRelay: prepare(db => db.deleteFrom('relays').where('kind', '=', p('kind')).where('peer', '=', p('peer'))),

    tokens: prepare(db => db.selectFrom('tokens').selectAll().orderBy('created_at').orderBy('id')),
    insertToken: prepare(db =>
      db.insertInto('tokens').values({
        id: p('id'),
        name: p('name'),
        hash: p('hash'),
        scopes: p('scopes'),
        conversation_id: p('conversationId'),
        expires_at: p('expiresAt'),
        created_at: p('createdAt'),
        last_used_at: null,
      }),
    ),
    removeToken: prepare(db => db.deleteFrom('tokens').where('id', '=', p('id'))),
    touchToken: prepare(db =>
      db
        .updateTable('tokens')
        .set({ last_used_at: p('at') })
        .where('id', '=', p('id')),
    ),

    addAudit: prepare(db =>
      db
        .insertInto('audit')
        .values({ at: p('at'), token_name: p('tokenName'), operation: p('operation'), target: p('target') }),
    ),
    auditBefore: prepare(db =>
      db.selectFrom('audit').selectAll().where('row', '<', p('row')).orderBy('row', 'desc').limit(p('limit')),
    ),
    auditAfter: prepare(db =>
      db.selectFrom('audit').selectAll().where('row', '>', p('row')).orderBy('row').limit(p('limit')),
    ),

    answer: prepare(db =>
      db
        .selectFrom('idempotency')
        .selectAll()
        .where('token_id', '=', p('tokenId'))
        .where('route', '=', p('route'))
        .where('key', '=', p('key'))
        .where('at', '>', p('since')),
    ),
    saveAnswer: prepare(db =>
      db
        .insertInto('idempotency')
        .values({
          token_id: p('tokenId'),
          route: p('route'),
          key: p('key'),
          body_hash: p('bodyHash'),
          status: p('status'),
          headers: p('headers'),
          body: p('body'),
          at: p('at'),
        })
        .onConflict(c =>
          c.columns(['token_id', 'route', 'key']).doUpdateSet(x => ({
            body_hash: x.ref('excluded.body_hash'),
            status: x.ref('excluded.status'),
            headers: x.ref('excluded.headers'),
            body: x.ref('excluded.body'),
            at: x.ref('excluded.at'),
          })),
        ),
    ),
    dropAnswers: prepare(db => db.deleteFrom('idempotency').where('at', '<', p('before'))),
  };
}
export type NodeQueries = ReturnType<typeof nodeQueries>;
