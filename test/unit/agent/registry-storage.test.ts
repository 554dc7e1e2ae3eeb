import { Readable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import type { BuildIndex } from '../../../lib/api/index.ts'
import { appError, deferred, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { parseRepository } from '../../../lib/core/index.ts'
import { hashPiece } from '../../../lib/metainfo/index.ts'
import { memoryStore } from '../../../lib/store/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { keptLinks, links } from '../../../services/agent/links/index.ts'
import type { Pulls } from '../../../services/agent/pulls.ts'
import { agentStorage } from '../../../services/agent/registry-storage.ts'
import { contentOf, putBlob } from '../../kit/store-fixture.ts'

const manifest = contentOf(Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.test' })))
const descriptor = { digest: manifest.digest, mediaType: 'application/vnd.of-the-index', size: manifest.bytes.length }
const repository = parseRepository('app')
const reference = { kind: 'digest', digest: manifest.digest } as const
const bounds = { linkTtlMs: 30_000, outageTtlMs: 60_000 }

/** An agent with the manifest in its cache, whose build-index answers until it is told not to. */
async function agentWithIndex() {
  const clock = fakeClock()
  const store = memoryStore({ clock, random: seededRandom(1), logger: silentLogger() }, { capacityBytes: 1e6 })
  await store.start()
  await putBlob(store, manifest)
  const pull = {
    size: manifest.bytes.length,
    open: async () => Readable.from([manifest.bytes]),
    names: () => undefined,
    close: () => undefined,
  }
  const pulls: Pulls = { find: async () => pull, lookUp: (_, work) => work() }
  let lives = true
  const getManifest: BuildIndex['getManifest'] = () =>
    lives ? Promise.resolve(descriptor) : Promise.reject(appError('UNAVAILABLE'))
  const index = { getManifest } as BuildIndex
  /** The agent as it begins to run: what it knows lies on its disk. */
  const start = () => {
    const kept = keptLinks({ clock, logger: silentLogger(), store }, { ttlMs: bounds.outageTtlMs })
    return { kept, ...agentStorage({ links: links({ clock, index, kept }, bounds), pulls, index }) }
  }
  /** Reads it once, and ends. */
  const readOnce = async () => {
    const { kept, manifests } = start()
    const found = await manifests.resolve(repository, reference)
    const bytes = found && (await manifests.read(repository, found))
    await kept.stop()
    return bytes
  }
  const outage = () => {
    lives = false
  }
  return { clock, store, start, readOnce, outage }
}

const again = { code: 'UNAVAILABLE' }

describe('what a repository has as a manifest', () => {
  test('is kept beside it under its own name, and answers after a restart when no build-index does', async () => {
    const { store, start, readOnce, outage } = await agentWithIndex()
    await readOnce()
    outage()
    const { manifests } = start()
    expect(await manifests.resolve(repository, reference)).toEqual(descriptor)
    await expect(manifests.resolve(parseRepository('other'), reference)).rejects.toMatchObject(again)
    expect(await store.sidecar(manifest.digest, 'pieces')).toEqual(hashPiece(manifest.bytes))
    await store.stop()
  })

  test('answers for so long, and no longer', async () => {
    const { clock, store, start, readOnce, outage } = await agentWithIndex()
    await readOnce()
    outage()
    await clock.advance(59_000)
    expect(await start().manifests.resolve(repository, reference)).toEqual(descriptor)
    await clock.advance(1_001)
    await expect(start().manifests.resolve(repository, reference)).rejects.toMatchObject(again)
    await store.stop()
  })

  test('keeps no answer waiting while it is being written', async () => {
    const { store, start } = await agentWithIndex()
    const written = deferred()
    const put = store.putSidecar.bind(store)
    store.putSidecar = (...given) => written.promise.then(() => put(...given))
    const { kept, manifests } = start()
    expect(Buffer.from(await manifests.read(repository, descriptor))).toEqual(Buffer.from(manifest.bytes))
    written.resolve()
    await kept.stop()
    expect(await kept.find({ kind: 'manifest', repository, digest: manifest.digest })).toMatchObject({
      mediaType: descriptor.mediaType,
      size: descriptor.size,
    })
    await store.stop()
  })

  test('that cannot be kept does not fail the read of the manifest', async () => {
    const { store, readOnce } = await agentWithIndex()
    store.putSidecar = () => Promise.reject(Object.assign(new Error('the disk is full'), { code: 'ENOSPC' }))
    expect(await readOnce()).toEqual(Buffer.from(manifest.bytes))
    await store.stop()
  })

  test.each([
    '',
    'null',
    '{"links":7}',
    '{"links":[7,null,{"repository":"app"}]}',
    // As an earlier agent kept it: it does not say when it was proven.
    '{"types":[["app","application/vnd.test"]]}',
  ])('that is damaged (%j) counts as missing, and is written anew', async (text) => {
    const { store, start, readOnce, outage } = await agentWithIndex()
    await store.putSidecar(manifest.digest, 'descriptor', Buffer.from(text))
    const lost = await agentWithIndex()
    await lost.store.putSidecar(manifest.digest, 'descriptor', Buffer.from(text))
    lost.outage()
    await expect(lost.start().manifests.resolve(repository, reference)).rejects.toMatchObject(again)
    await readOnce()
    outage()
    expect(await start().manifests.resolve(repository, reference)).toEqual(descriptor)
    await Promise.all([store.stop(), lost.store.stop()])
  })

  test('is nothing that the manifest could say of itself', async () => {
    const { store, start, outage } = await agentWithIndex()
    outage()
    await store.putSidecar(manifest.digest, 'pieces', Buffer.from(JSON.stringify(descriptor)))
    await expect(start().manifests.resolve(repository, reference)).rejects.toMatchObject(again)
    await store.stop()
  })
})
