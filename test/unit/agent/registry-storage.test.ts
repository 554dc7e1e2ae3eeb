import { Readable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import type { BuildIndex } from '../../../lib/api/index.ts'
import { appError, deferred, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { parseRepository } from '../../../lib/core/index.ts'
import { hashPiece } from '../../../lib/metainfo/index.ts'
import { memoryStore } from '../../../lib/store/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { keptManifests } from '../../../services/agent/kept-manifests.ts'
import type { Pulls } from '../../../services/agent/pulls.ts'
import { agentStorage } from '../../../services/agent/registry-storage.ts'
import { contentOf, putBlob } from '../../kit/store-fixture.ts'

const manifest = contentOf(Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.test' })))
const descriptor = { digest: manifest.digest, mediaType: 'application/vnd.of-the-index', size: manifest.bytes.length }
const repository = parseRepository('app')
const reference = { kind: 'digest', digest: manifest.digest } as const

/** An agent with the manifest in its cache and without a build-index. */
async function lonelyAgent() {
  const store = memoryStore(
    { clock: fakeClock(), random: seededRandom(1), logger: silentLogger() },
    { capacityBytes: 1e6 },
  )
  await store.start()
  await putBlob(store, manifest)
  const pull = {
    size: manifest.bytes.length,
    open: async () => Readable.from([manifest.bytes]),
    names: () => undefined,
    close: () => undefined,
  }
  const pulls: Pulls = { find: async () => pull, lookUp: (_repository, _reference, work) => work() }
  const index: Pick<BuildIndex, 'getManifest'> = { getManifest: () => Promise.reject(appError('UNAVAILABLE')) }
  const kept = keptManifests({ logger: silentLogger(), store })
  return { store, kept, ...agentStorage({ store, kept, pulls, index: index as BuildIndex }) }
}

describe('the descriptor of a manifest', () => {
  test('is kept beside it under its own name, and answers when no build-index does', async () => {
    const { store, manifests } = await lonelyAgent()
    await manifests.read(repository, descriptor)
    expect(await manifests.resolve(repository, reference)).toEqual(descriptor)
    expect(await store.sidecar(manifest.digest, 'pieces')).toEqual(hashPiece(manifest.bytes))
    await store.stop()
  })

  test('keeps no answer waiting while it is being written', async () => {
    const { store, manifests, kept } = await lonelyAgent()
    const written = deferred()
    const put = store.putSidecar.bind(store)
    store.putSidecar = (...given) => written.promise.then(() => put(...given))
    expect(Buffer.from(await manifests.read(repository, descriptor))).toEqual(Buffer.from(manifest.bytes))
    written.resolve()
    await kept.stop()
    expect(await kept.find(repository, manifest.digest)).toEqual(descriptor)
    await store.stop()
  })

  test('that cannot be kept does not fail the read of the manifest', async () => {
    const { store, manifests } = await lonelyAgent()
    store.putSidecar = () => Promise.reject(Object.assign(new Error('the disk is full'), { code: 'ENOSPC' }))
    expect(Buffer.from(await manifests.read(repository, descriptor))).toEqual(Buffer.from(manifest.bytes))
    await store.stop()
  })

  test.each(['', 'null', '{"types":7}', '{"types":[7]}'])('that is damaged (%j) counts as missing', async (text) => {
    const { store, manifests } = await lonelyAgent()
    await store.putSidecar(manifest.digest, 'descriptor', Buffer.from(text))
    expect(await manifests.resolve(repository, reference)).toEqual({ ...descriptor, mediaType: 'application/vnd.test' })
    await manifests.read(repository, descriptor)
    expect(await manifests.resolve(repository, reference)).toEqual(descriptor)
    await store.stop()
  })

  test('that an earlier version kept as piece hashes is not read; the manifest tells what it is', async () => {
    const { store, manifests } = await lonelyAgent()
    await store.putSidecar(manifest.digest, 'pieces', Buffer.from(JSON.stringify(descriptor)))
    expect(await manifests.resolve(repository, reference)).toEqual({ ...descriptor, mediaType: 'application/vnd.test' })
    await store.stop()
  })
})
