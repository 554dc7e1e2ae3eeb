import type { Kysely } from 'kysely'

/** Clusters, their tokens, members and hosts. */
export async function clusters(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('clusters')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull().unique())
    .addColumn('description', 'text', (column) => column.notNull())
    .addColumn('scopes', 'text', (column) => column.notNull())
    .addColumn('isDefault', 'integer', (column) => column.notNull())
    .addColumn('revision', 'integer', (column) => column.notNull())
    .addColumn('createdAtMs', 'bigint', (column) => column.notNull())
    .addColumn('agents', 'integer', (column) => column.notNull())
    .execute()
  await db.schema
    .createTable('joinTokens')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('clusterId', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull().unique())
    .addColumn('createdAtMs', 'bigint', (column) => column.notNull())
    .addColumn('expiresAtMs', 'bigint')
    .addColumn('usesLeft', 'integer')
    .addColumn('used', 'integer', (column) => column.notNull())
    .execute()
  await db.schema.createIndex('joinTokensOfCluster').on('joinTokens').columns(['clusterId', 'id']).execute()
  await members(db)
  await hosts(db)
}

async function members(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('members')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('clusterId', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('member', 'text', (column) => column.notNull())
    .addColumn('opsUrl', 'text', (column) => column.notNull())
    .addColumn('adminUrl', 'text', (column) => column.notNull())
    .addColumn('httpUrl', 'text')
    .addColumn('version', 'text', (column) => column.notNull())
    .addColumn('zone', 'text')
    .addColumn('network', 'text')
    .addColumn('sealedKey', 'text', (column) => column.notNull())
    .addColumn('credentialHash', 'text', (column) => column.notNull())
    .addColumn('joinedAtMs', 'bigint', (column) => column.notNull())
    .addColumn('heartbeatAtMs', 'bigint', (column) => column.notNull())
    .addColumn('leftAtMs', 'bigint')
    .addColumn('uptimeMs', 'bigint', (column) => column.notNull())
    .addColumn('generation', 'integer')
    .addColumn('capacity', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('sinceMs', 'bigint', (column) => column.notNull())
    .addColumn('reasons', 'text', (column) => column.notNull())
    .addColumn('answeredAtMs', 'bigint')
    .addUniqueConstraint('oneMemberOfAName', ['clusterId', 'kind', 'member'])
    .execute()
}

async function hosts(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('hosts')
    .addColumn('clusterId', 'text', (column) => column.notNull())
    .addColumn('peerId', 'text', (column) => column.notNull())
    .addColumn('host', 'text', (column) => column.notNull())
    .addColumn('port', 'integer', (column) => column.notNull())
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('zone', 'text', (column) => column.notNull())
    .addColumn('version', 'text', (column) => column.notNull())
    .addColumn('generation', 'integer')
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('why', 'text', (column) => column.notNull())
    .addColumn('seenAtMs', 'bigint', (column) => column.notNull())
    .addColumn('downloads', 'integer', (column) => column.notNull())
    .addColumn('seeds', 'integer', (column) => column.notNull())
    .addColumn('bytesIn', 'bigint', (column) => column.notNull())
    .addColumn('bytesOut', 'bigint', (column) => column.notNull())
    .addColumn('words', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('hostsOfClusters', ['clusterId', 'peerId'])
    .execute()
  // All that a list filters by, in the order of the list: whatever the filter, few bytes of each host are looked at.
  const filters = ['clusterId', 'peerId', 'role', 'state', 'version', 'zone', 'words']
  await db.schema.createIndex('hostsInOrder').on('hosts').columns(filters).execute()
}
