import { Readable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { replicaRoutes, replicasOf } from '../../../../lib/api/index.ts'
import { memoryBackend } from '../../../../lib/backend/index.ts'
import { appError, fakeClock, seededRandom } from '../../../../lib/base/index.ts'
import { type Digest, parseRepository, parseTag } from '../../../../lib/core/index.ts'
import { secretAuthenticator } from '../../../../lib/identity/index.ts'
import { silentLogger, silentMetrics, silentTracer } from '../../../../lib/telemetry/index.ts'
import { remoteSchema } from '../../../../services/build-index/replication/config.ts'
import { farEndRoutes } from '../../../../services/build-index/replication/far-end.ts'
import { remoteCluster } from '../../../../services/build-index/replication/remote.ts'
import { clusterOf } from '../../../kit/cluster.ts'
import { httpPair } from '../../../kit/http-pair.ts'
import { descriptorOf, imageFixture, indexFixture } from '../../../kit/image-fixture.ts'
import { localIndex } from '../../../kit/local-index.ts'

const app = parseRepository('team/app')
const tag = parseTag('1.0')
const image = imageFixture(seededRandom(3), [100])
const root = { digest: image.manifest.digest, mediaType: image.manifest.mediaType, size: image.manifest.bytes.length }
const parts = [image.config, ...image.layers]

async function farEnd({ versioned = true } = {}) {
  const { index, tags } = localIndex({ backend: memoryBackend(), clock: fakeClock(), random: seededRandom(1) })
  const bytes = new Map<Digest, Uint8Array>()
  const routes = farEndRoutes({
    ...{ index, tags: versioned ? tags : undefined },
    self: () => ({ cluster: 'far', origins: [{ id: 'o1', url: 'http://127.0.0.1:1' }] }),
    origins: {
      statBlob: async (_, digest) => (bytes.has(digest) ? { size: 1 } : undefined),
      async readBlob(_, digest) {
        const found = bytes.get(digest)
        if (found === undefined) throw appError('BLOB_UNKNOWN')
        return { size: found.length, body: Readable.from([found]) }
      },
    },
  })
  const pair = await httpPair(routes, { authenticate: secretAuthenticator() })
  const replicas = replicasOf({ http: pair.client, cluster: clusterOf([{ id: 'b1', url: pair.url('') }]) })
  return { index, tags, bytes, replicas, pair }
}

const version = { atMs: 5000, cluster: 'near' }

describe('the API for other clusters', () => {
  test('tells the states of manifests and blobs: linked, present, absent', async () => {
    const far = await farEnd()
    const [first, second] = parts.map(({ digest }) => digest) as [Digest, Digest]
    await far.index.putBlob(app, { digest: first, size: 1 })
    far.bytes.set(second, Buffer.from('x'))
    const asked = { manifests: [root.digest], blobs: [first, second] }
    expect(await far.replicas.states(app, asked)).toEqual({ manifests: ['absent'], blobs: ['linked', 'present'] })
    await far.index.putManifest(app, root)
    // Its bytes were not linked, or are lost: they have to be sent.
    expect((await far.replicas.states(app, asked)).manifests).toEqual(['absent'])
    await far.index.putBlob(app, { digest: root.digest, size: root.size })
    expect((await far.replicas.states(app, asked)).manifests).toEqual(['linked'])
    expect(await far.replicas.describe()).toEqual({
      cluster: 'far',
      origins: [{ id: 'o1', url: 'http://127.0.0.1:1' }],
    })
    await far.pair[Symbol.asyncDispose]()
  })

  test('a tag whose manifest names what is not linked, or has no bytes, is refused', async () => {
    const far = await farEnd()
    const put = () => far.replicas.putTag(app, tag, { descriptor: root, version })
    await expect(put()).rejects.toMatchObject({ code: 'REPLICA_INCOMPLETE', detail: { missing: root.digest } })
    await far.index.putManifest(app, root)
    await expect(put()).rejects.toMatchObject({ code: 'REPLICA_INCOMPLETE', detail: { missing: root.digest } })
    far.bytes.set(root.digest, image.manifest.bytes)
    for (const { digest, bytes } of parts) {
      await expect(put()).rejects.toMatchObject({ code: 'REPLICA_INCOMPLETE', detail: { missing: digest } })
      await far.index.putBlob(app, { digest, size: bytes.length })
    }
    for (const { digest, bytes } of parts) {
      await expect(put()).rejects.toMatchObject({ code: 'REPLICA_INCOMPLETE' })
      await far.index.putBlob(app, { digest, size: bytes.length })
      far.bytes.set(digest, bytes)
    }
    for (const { digest, bytes } of parts) await far.index.putBlob(app, { digest, size: bytes.length })
    expect(await far.replicas.getTag(app, tag)).toBeUndefined()
    expect(await put()).toEqual({ outcome: 'taken', version })
    expect(await far.replicas.getTag(app, tag)).toEqual({ descriptor: root, version })
    expect(await far.replicas.deleteTag(app, tag, { version: { atMs: 6000, cluster: 'near' } })).toMatchObject({
      outcome: 'taken',
    })
    expect(await far.replicas.getTag(app, tag)).toEqual({ version: { atMs: 6000, cluster: 'near' } })
    await far.pair[Symbol.asyncDispose]()
  })

  test('a tag is refused while anything of its images is missing, and what has lost its bytes is sent again', async () => {
    const far = await farEnd()
    const images = [4, 5].map((seed) => imageFixture(seededRandom(seed), [100, 200]))
    const all = indexFixture(images)
    const manifests = [all, ...images.map(({ manifest }) => manifest)]
    const blobs = images.flatMap(({ config, layers }) => [config, ...layers])
    const descriptor = descriptorOf(all, all.mediaType)
    const put = () => far.replicas.putTag(app, tag, { descriptor, version })
    for (const { digest, bytes } of [...manifests, ...blobs]) {
      far.bytes.set(digest, bytes)
      await far.index.putBlob(app, { digest, size: bytes.length })
    }
    for (const each of manifests) await far.index.putManifest(app, descriptorOf(each, each.mediaType))
    for (const { digest, bytes } of [...manifests, ...blobs]) {
      far.bytes.delete(digest)
      await expect(put()).rejects.toMatchObject({ code: 'REPLICA_INCOMPLETE', detail: { missing: digest } })
      const asked = { manifests: manifests.map((each) => each.digest), blobs: blobs.map((blob) => blob.digest) }
      const states = await far.replicas.states(app, asked)
      expect([...states.manifests, ...states.blobs]).toContain('absent')
      far.bytes.set(digest, bytes)
      await far.index.deleteBlob(app, digest).catch(() => undefined)
      if (blobs.some((blob) => blob.digest === digest))
        await expect(put()).rejects.toMatchObject({ code: 'REPLICA_INCOMPLETE', detail: { missing: digest } })
      await far.index.putBlob(app, { digest, size: bytes.length })
    }
    expect(await far.replicas.getTag(app, tag)).toBeUndefined()
    expect(await put()).toEqual({ outcome: 'taken', version })
    await far.pair[Symbol.asyncDispose]()
  })

  test('a manifest whose bytes are others than its digest says is refused', async () => {
    const far = await farEnd()
    await far.index.putManifest(app, root)
    far.bytes.set(root.digest, Buffer.concat([image.manifest.bytes.subarray(1), Buffer.from('x')]))
    const put = far.replicas.putTag(app, tag, { descriptor: root, version })
    await expect(put).rejects.toMatchObject({ code: 'DIGEST_INVALID' })
    await far.pair[Symbol.asyncDispose]()
  })

  test('a remote that has the name of this cluster is refused', async () => {
    const far = await farEnd()
    const runtime = { clock: fakeClock(), random: seededRandom(1), logger: silentLogger(), metrics: silentMetrics() }
    const config = remoteSchema.parse({ urls: [far.pair.url('')], rules: [{ repository: '*' }] })
    const remote = (own: string) =>
      remoteCluster(
        { ...runtime, openFiles: undefined, setLogLevel: () => undefined, tracer: silentTracer },
        { ownCluster: own, name: 'east', from: 'config', rules: config.rules },
        config,
      )
    await expect(remote('far').describe()).rejects.toMatchObject({ code: 'REPLICA_SAME_CLUSTER' })
    expect((await remote('near').describe()).cluster).toBe('far')
    await far.pair[Symbol.asyncDispose]()
  })

  test('is refused as unsupported where no versions are kept', async () => {
    const far = await farEnd({ versioned: false })
    await expect(far.replicas.describe()).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    await far.pair[Symbol.asyncDispose]()
  })

  test('asks for the right of another cluster on every route', async () => {
    const { index, tags } = localIndex({ backend: memoryBackend(), clock: fakeClock(), random: seededRandom(1) })
    const routes = farEndRoutes({ index, tags, origins: {} as never, self: () => ({ cluster: 'far', origins: [] }) })
    expect(routes.every(({ right }) => right === 'replicate')).toBe(true)
    expect(new Set(routes.map(({ path }) => path))).toEqual(new Set(Object.values(replicaRoutes)))
  })
})
