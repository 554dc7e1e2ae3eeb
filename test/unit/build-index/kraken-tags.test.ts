import { expect, test } from '@jest/globals'
import { memoryBackend } from '../../../lib/backend/index.ts'
import { appError, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { digestOf, parseRepository, parseTag } from '../../../lib/core/index.ts'
import { krakenTagRoutes } from '../../../services/build-index/kraken/tag-routes.ts'
import type { ReplicateNow } from '../../../services/build-index/replication/replicate-now.ts'
import { httpPair } from '../../kit/http-pair.ts'
import { localIndex } from '../../kit/local-index.ts'

const repository = parseRepository('team/app')
const tag = parseTag('1.0')
const descriptor = {
  digest: digestOf(Buffer.from('x')),
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  size: 1,
}

async function replicated(path: string, toRemotes: ReplicateNow): Promise<number> {
  const { index } = localIndex({ backend: memoryBackend(), clock: fakeClock(), random: seededRandom(1) })
  await index.putTag(repository, tag, { descriptor })
  await using pair = await httpPair(krakenTagRoutes(index, toRemotes), {
    authenticate: () => ({ name: 'admin', rights: ['read', 'admin'] }),
  })
  return (await fetch(pair.url(path), { method: 'POST' })).status
}

test('a tag that is there is sent to the remotes, and another one is not', async () => {
  const asked: unknown[] = []
  const toRemotes: ReplicateNow = async (image) => {
    asked.push(image)
    return [{ remote: 'east', updatedAtMs: undefined }]
  }
  expect(await replicated('/remotes/tags/team%2Fapp:1.0', toRemotes)).toBe(200)
  expect(await replicated('/remotes/tags/team%2Fapp:none', toRemotes)).toBe(404)
  expect(asked).toEqual([{ repository, tag }])
})

test('when the order cannot be kept, that is told', async () => {
  const full: ReplicateNow = () => Promise.reject(appError('BACKEND_UNAVAILABLE'))
  expect(await replicated('/remotes/tags/team%2Fapp:1.0', full)).toBe(503)
})
