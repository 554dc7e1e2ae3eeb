import type { Kysely } from 'kysely'
import type { SettingCounterTable } from '../../settings/tables.ts'

/** Settings, their versions and roll-outs. */
export async function settings(db: Kysely<unknown>): Promise<void> {
  await versions(db)
  await rollouts(db)
}

async function versions(db: Kysely<{ settingCounter: SettingCounterTable }>): Promise<void> {
  const { schema } = db
  await schema
    .createTable('settingCounter')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('value', 'bigint', (column) => column.notNull())
    .execute()
  await schema
    .createTable('settingManager')
    .addColumn('one', 'integer', (column) => column.primaryKey())
    .addColumn('id', 'text', (column) => column.notNull())
    .execute()
  // So that every change finds a row to hold.
  await db.insertInto('settingCounter').values({ id: 'settings', value: 0 }).execute()
  await schema
    .createTable('settingVersions')
    .addColumn('version', 'bigint', (column) => column.primaryKey())
    .addColumn('slot', 'text', (column) => column.notNull())
    .addColumn('content', 'text', (column) => column.notNull())
    .addColumn('author', 'text', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('atMs', 'bigint', (column) => column.notNull())
    .execute()
  await schema.createIndex('settingVersionsBySlot').on('settingVersions').columns(['slot', 'version']).execute()
  await schema
    .createTable('settingSlots')
    .addColumn('slot', 'text', (column) => column.primaryKey())
    .addColumn('scope', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('latest', 'bigint', (column) => column.notNull())
    .addColumn('wanted', 'bigint')
    .addColumn('rollout', 'text', (column) => column.notNull())
    .addColumn('touched', 'bigint', (column) => column.notNull())
    .execute()
}

async function rollouts({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable('rollouts')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('slot', 'text', (column) => column.notNull())
    .addColumn('fromVersion', 'bigint')
    .addColumn('toVersion', 'bigint', (column) => column.notNull())
    .addColumn('plan', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('step', 'integer', (column) => column.notNull())
    .addColumn('begun', 'integer', (column) => column.notNull())
    .addColumn('sinceMs', 'bigint', (column) => column.notNull())
    .addColumn('settled', 'integer', (column) => column.notNull())
    .addColumn('halt', 'text')
    .addColumn('share', 'text', (column) => column.notNull())
    .addColumn('touched', 'bigint', (column) => column.notNull())
    .addColumn('before', 'text')
    .addColumn('madeAtMs', 'bigint', (column) => column.notNull())
    .addColumn('endedAtMs', 'bigint')
    .execute()
  await schema.createIndex('rolloutsByState').on('rollouts').columns(['state', 'id']).execute()
  await schema.createIndex('rolloutsBySlot').on('rollouts').columns(['slot', 'id']).execute()
  await schema
    .createTable('rolloutSteps')
    .addColumn('rollout', 'text', (column) => column.notNull())
    .addColumn('step', 'integer', (column) => column.notNull())
    .addColumn('beganAtMs', 'bigint', (column) => column.notNull())
    .addColumn('endedAtMs', 'bigint')
    .addColumn('look', 'text')
    .addPrimaryKeyConstraint('rolloutStepsKey', ['rollout', 'step'])
    .execute()
  await schema
    .createTable('rolloutEvents')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('rollout', 'text', (column) => column.notNull())
    .addColumn('atMs', 'bigint', (column) => column.notNull())
    .addColumn('actor', 'text', (column) => column.notNull())
    .addColumn('act', 'text', (column) => column.notNull())
    .addColumn('step', 'integer', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('look', 'text')
    .execute()
  await schema.createIndex('rolloutEventsByRollout').on('rolloutEvents').columns(['rollout', 'id']).execute()
  await schema
    .createTable('rolloutHosts')
    .addColumn('rollout', 'text', (column) => column.notNull())
    .addColumn('cluster', 'text', (column) => column.notNull())
    .addColumn('host', 'text', (column) => column.notNull())
    .addColumn('member', 'integer', (column) => column.notNull())
    .addColumn('pulls', 'bigint', (column) => column.notNull())
    .addColumn('errors', 'bigint', (column) => column.notNull())
    .addColumn('stalls', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('rolloutHostsKey', ['rollout', 'cluster', 'host'])
    .execute()
}
