import { expect, test } from '@jest/globals'
import { fakeClock } from '../../../lib/base/index.ts'
import { lookBudget } from '../../../lib/http/index.ts'
import { memoryRegistryStorage } from '../../../lib/registry/index.ts'
import { silentMetrics } from '../../../lib/telemetry/index.ts'
import { serveRegistry } from '../../contract/registry/serve-registry.ts'
import { registryClient } from '../../kit/registry-client.ts'

test('who asks for lists of nothing pays for that as for names that are nowhere', async () => {
  const looks = lookBudget({ clock: fakeClock(), metrics: silentMetrics() }, { perSecond: 0, burst: 3 })
  await using registry = await serveRegistry(memoryRegistryStorage(), { looks })
  const client = registryClient(registry.url)
  const statuses: number[] = []
  for (let i = 0; i < 5; i += 1) {
    const { status } = await client.send('GET', `/v2/team/app/referrers/sha256:${String(i).repeat(64)}`)
    statuses.push(status)
  }
  expect(statuses).toEqual([200, 200, 200, 429, 429])
})
