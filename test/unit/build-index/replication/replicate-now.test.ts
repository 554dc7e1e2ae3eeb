import { expect, test } from '@jest/globals'
import { parseRepository, parseTag } from '../../../../lib/core/index.ts'
import {
  type ReplicateNowComponents,
  replicateNow,
} from '../../../../services/build-index/replication/replicate-now.ts'

test('an order tells of the statuses that were there before it', async () => {
  const written = new Map([['east', 5]])
  const components = {
    tags: { read: async () => ({ target: {} }) },
    statuses: {
      get: async ({ remote }: { remote: string }) => {
        const updatedAtMs = written.get(remote)
        return updatedAtMs === undefined ? undefined : { updatedAtMs }
      },
    },
    // Whoever has the shard takes it at once.
    outbox: {
      add: async ({ remotes = [] }: { remotes?: readonly string[] }) => {
        for (const name of remotes) written.set(name, 9)
      },
    },
  } as unknown as ReplicateNowComponents
  const remotes = new Map(['east', 'west', 'other'].map((name) => [name, { name, mayWant: () => name !== 'other' }]))
  const image = { repository: parseRepository('team/app'), tag: parseTag('1') }
  expect(await replicateNow(components, remotes)(image, {})).toEqual([
    { remote: 'east', updatedAtMs: 5 },
    { remote: 'west', updatedAtMs: undefined },
  ])
  expect([...written.keys()]).toEqual(['east', 'west'])
})
