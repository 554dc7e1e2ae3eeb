import type { Kysely } from 'kysely'

/** What lists are filtered by, each with the order of its list behind it: no filter looks at rows that it does not show. */
export async function lists({ schema }: Kysely<unknown>): Promise<void> {
  for (const column of ['state', 'zone', 'version', 'role'])
    await schema.createIndex(`hosts_${column}`).on('hosts').columns([column, 'clusterId', 'peerId']).execute()
  for (const [a, b] of [
    ['actor', 'action'],
    ['actor', 'target'],
    ['target', 'action'],
  ] as const)
    await schema.createIndex(`audit_${a}_${b}`).on('audit').columns([a, b, 'id']).execute()
  await schema.createIndex('jobsByKind').on('jobs').columns(['kind', 'id']).execute()
  await schema.createIndex('jobsByKindAndState').on('jobs').columns(['kind', 'state', 'id']).execute()
  await schema.createIndex('jobRowsByState').on('jobRows').columns(['jobId', 'state', 'seq']).execute()
}
