import { expect, test } from '@jest/globals'
import { memoryBackend } from '../../../lib/backend/index.ts'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { digestOf } from '../../../lib/core/index.ts'
import { lookBudget } from '../../../lib/http/index.ts'
import type { Principal } from '../../../lib/identity/index.ts'
import { recordingMetrics } from '../../../lib/telemetry/index.ts'
import { buildIndexServerRoutes } from '../../../services/build-index/server.ts'
import { httpPair } from '../../kit/http-pair.ts'
import { localIndex } from '../../kit/local-index.ts'

const nothing = digestOf(Buffer.from('nothing'))
const names = ['tags', 'tags/v1', `manifests/${nothing}`, `blobs/${nothing}`]

/** What callers of these rights are told who ask for each of the names, with a budget for two. */
async function told({ name, rights }: Principal) {
  const [clock, metrics] = [fakeClock(), recordingMetrics()]
  const { index } = localIndex({ backend: memoryBackend(), clock, random: seededRandom(1) })
  const looks = lookBudget({ clock, metrics }, { perSecond: 1, burst: 2 })
  await using pair = await httpPair(buildIndexServerRoutes(index, looks), { authenticate: () => ({ name, rights }) })
  const statuses: number[] = []
  for (const one of names) statuses.push((await fetch(pair.url(`/repositories/team%2Fx/${one}`))).status)
  return { statuses, refused: metrics.value('shoal_http_looks_refused_total') }
}

test('a caller has only so many names looked for in vain, of whichever kind; other services have as many as they need', async () => {
  const refused = { statuses: [404, 404, 429, 429], refused: 2 }
  expect(await told({ name: 'node', rights: ['read', 'announce'] })).toEqual(refused)
  expect(await told({ name: 'anonymous', rights: ['read', 'ring'] })).toEqual(refused)
  const free = { statuses: [404, 404, 404, 404], refused: 0 }
  expect(await told({ name: 'service', rights: ['read', 'ring'] })).toEqual(free)
})
