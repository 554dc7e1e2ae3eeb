import type { ColumnDefinitionBuilder, Kysely } from 'kysely'

const required = (column: ColumnDefinitionBuilder) => column.notNull()
const key = (column: ColumnDefinitionBuilder) => column.primaryKey()

async function userTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('users')
    .addColumn('id', 'text', key)
    .addColumn('name', 'text', (column) => column.notNull().unique())
    .addColumn('password', 'text')
    .addColumn('provider', 'text')
    .addColumn('subject', 'text')
    .addColumn('disabled', 'integer', required)
    .addColumn('createdAtMs', 'bigint', required)
    .addColumn('signedInAtMs', 'bigint')
    .addUniqueConstraint('users_subject', ['provider', 'subject'])
    .execute()
  await db.schema
    .createTable('roles')
    .addColumn('name', 'text', key)
    .addColumn('what', 'text', required)
    .addColumn('grants', 'text', required)
    .addColumn('createdAtMs', 'bigint', required)
    .execute()
  await db.schema
    .createTable('userRoles')
    .addColumn('userId', 'text', required)
    .addColumn('role', 'text', required)
    .addPrimaryKeyConstraint('userRoles_key', ['userId', 'role'])
    .execute()
  await db.schema.createIndex('userRoles_role').on('userRoles').column('role').execute()
}

async function proofTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('sessions')
    .addColumn('id', 'text', key)
    .addColumn('hash', 'text', (column) => column.notNull().unique())
    .addColumn('userId', 'text', required)
    .addColumn('createdAtMs', 'bigint', required)
    .addColumn('usedAtMs', 'bigint', required)
    .addColumn('expiresAtMs', 'bigint', required)
    .addColumn('address', 'text', required)
    .addColumn('agent', 'text', required)
    .execute()
  await db.schema
    .createTable('tokens')
    .addColumn('id', 'text', key)
    .addColumn('userId', 'text', required)
    .addColumn('name', 'text', required)
    .addColumn('hash', 'text', (column) => column.notNull().unique())
    .addColumn('grants', 'text', required)
    .addColumn('createdAtMs', 'bigint', required)
    .addColumn('expiresAtMs', 'bigint', required)
    .addColumn('usedAtMs', 'bigint')
    .addUniqueConstraint('tokens_name', ['userId', 'name'])
    .execute()
  await db.schema
    .createTable('links')
    .addColumn('id', 'text', key)
    .addColumn('hash', 'text', (column) => column.notNull().unique())
    .addColumn('kind', 'text', required)
    .addColumn('userId', 'text')
    .addColumn('roles', 'text', required)
    .addColumn('createdBy', 'text', required)
    .addColumn('createdAtMs', 'bigint', required)
    .addColumn('expiresAtMs', 'bigint', required)
    .execute()
  await db.schema.createIndex('sessions_user').on('sessions').column('userId').execute()
}

/** Users, roles, and by what people are known. */
export async function people(db: Kysely<unknown>): Promise<void> {
  await userTables(db)
  await proofTables(db)
}
