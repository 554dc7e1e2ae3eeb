import { expect, test } from '@jest/globals'
import { buildIndexCluster } from '../../../lib/api/index.ts'
import { type Backend, memoryBackend } from '../../../lib/backend/index.ts'
import { fakeClock } from '../../../lib/base/index.ts'
import { digestOf, parseRepository, parseTag } from '../../../lib/core/index.ts'
import { httpClient } from '../../../lib/http/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { links } from '../../../services/agent/links/index.ts'
import { buildIndexSchema, buildIndexService } from '../../../services/build-index/index.ts'
import { clusterOf } from '../../kit/cluster.ts'
import { buildResource } from '../../kit/resource-stack.ts'

const AGENTS = 50
const repository = parseRepository('team/app')
const tag = parseTag('t')
const manifest = { digest: digestOf(Buffer.from('manifest')), mediaType: 'a/b', size: 8 }
const layers = Array.from({ length: 8 }, (_, i) => digestOf(Buffer.from(`layer ${i}`)))

/**
 * A build-index over a backend that counts its reads by key. On its clock and on that of the agents all happens in one
 * moment: what is remembered for seconds is still known, and no answer is late, however slow the machine is.
 */
const startIndex = () =>
  buildResource(async (stack) => {
    const inner = memoryBackend()
    const reads = new Map<string, number>()
    const backend: Backend = {
      ...inner,
      read(key, options) {
        reads.set(key, (reads.get(key) ?? 0) + 1)
        return inner.read(key, options)
      },
    }
    const bind = { bind: '127.0.0.1:auto' }
    const config = buildIndexSchema.parse({ http: bind, ops: bind, admin: bind })
    const clock = fakeClock()
    const service = buildIndexService({ clock, backend, logger: silentLogger() }, config)
    await service.start()
    stack.own({ [Symbol.asyncDispose]: () => service.stop() })
    const members = [{ id: 'build-index-1', url: service.url }]
    /** What an agent asks, over a client of its own. */
    const newAgent = () => {
      // Fifty clients in one process may take longer than a client waits for a connection or an answer.
      const http = httpClient({ clock }, { connectTimeoutMs: 600_000 })
      stack.own({ [Symbol.asyncDispose]: () => http.stop() })
      const index = buildIndexCluster({ http, cluster: clusterOf(members, { clock }) })
      const kept = { find: async () => undefined, keep: () => undefined, drop: () => undefined }
      return { index, links: links({ clock, index, kept }, { linkTtlMs: 30_000, outageTtlMs: 60_000 }) }
    }
    const countOf = (part: string) => [...reads].filter(([key]) => key.includes(part)).map(([, count]) => count)
    return { newAgent, countOf, forget: () => reads.clear() }
  })

test('agents that pull one image at once cost the backend a look or two for each layer, and no agent asks twice', async () => {
  await using lab = await startIndex()
  const { index } = lab.newAgent()
  for (const digest of layers) await index.putBlob(repository, { digest, size: 1 })
  await index.putManifest(repository, manifest)
  await index.putTag(repository, tag, { descriptor: manifest })
  lab.forget()

  const agents = Array.from({ length: AGENTS }, lab.newAgent)
  const pull = async ({ links }: (typeof agents)[number]) => {
    const tagged = await links.tag(repository, tag)
    const found = await links.manifest(repository, tagged!.digest)
    links.names(repository, found!, layers)
    await Promise.all(layers.map((digest) => links.requireBlob({ repository, digest })))
    // As a lazy reader with its ranges.
    for (let i = 0; i < 20; i += 1) await links.requireBlob({ repository, digest: layers[0]! })
  }
  await Promise.all(agents.map(pull))
  expect(lab.countOf('_blobs/')).toHaveLength(layers.length)
  for (const count of [...lab.countOf('_blobs/'), ...lab.countOf('_manifests/')]) expect(count).toBeLessThanOrEqual(2)

  await index.deleteBlob(repository, layers[0]!)
  const late = lab.newAgent()
  await expect(late.links.requireBlob({ repository, digest: layers[0]! })).rejects.toMatchObject({
    code: 'BLOB_UNKNOWN',
  })
})
