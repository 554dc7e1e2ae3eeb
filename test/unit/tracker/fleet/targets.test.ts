import { Readable } from 'node:stream'
import { expect, test } from '@jest/globals'
import { type KeptJob, MAX_ORDER_ITEMS, orderPollSchema, type Progress } from '../../../../lib/api/index.ts'
import {
  type Digest,
  digestOf,
  parseRepository,
  parseWebUrl,
  peerIdOf,
  urlRepository,
} from '../../../../lib/core/index.ts'
import { believable, sumOf } from '../../../../services/tracker/fleet/progress.ts'
import { targets } from '../../../../services/tracker/fleet/targets.ts'

const repository = parseRepository('team/app')
const manifestType = 'application/vnd.oci.image.manifest.v1+json'
const indexType = 'application/vnd.oci.image.index.v1+json'
const layerType = 'application/vnd.oci.image.layer.v1.tar'
const configType = 'application/vnd.oci.image.config.v1+json'
const descriptor = (mediaType: string, name: string, size = 1) => ({
  ...{ mediaType, digest: digestOf(Buffer.from(name)), size },
})

/** An origin that has these manifests. */
function origin() {
  const blobs = new Map<Digest, Buffer>()
  const put = (mediaType: string, content: object) => {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...content }))
    blobs.set(digestOf(bytes), bytes)
    return { mediaType, digest: digestOf(bytes), size: bytes.length }
  }
  const unused = () => Promise.reject(new Error('not for this test'))
  const of = (manifest: ReturnType<typeof put>) =>
    targets({
      index: { getTag: unused, getManifest: async () => manifest },
      origins: {
        statBlob: unused,
        readBlob: async (_, digest) => {
          const bytes = blobs.get(digest)!
          return { body: Readable.from([bytes]), size: bytes.length }
        },
      },
    })
  const walkOf = (manifest: ReturnType<typeof put>, platforms: readonly string[]) => {
    const { walk } = of(manifest)
    const job = { kind: 'query', target: 't', repository, manifest, digest: manifest.digest } as unknown as KeptJob
    return walk(job, platforms, new AbortController().signal)
  }
  const image = (name: string, layers: readonly ReturnType<typeof descriptor>[]) =>
    put(manifestType, { config: descriptor(configType, `config ${name}`), layers })
  const contentOf = (manifest: ReturnType<typeof put>, platforms: readonly string[]) =>
    of(manifest).content(`team/app@${manifest.digest}`, platforms, {})
  return { put, walkOf, contentOf, image }
}

test('an image whose sizes cannot be counted together is no image for an order', async () => {
  const it = origin()
  const half = Math.ceil(Number.MAX_SAFE_INTEGER / 2)
  const fits = it.image('a', [descriptor(layerType, 'a', half - 10_000), descriptor(layerType, 'b', half - 10_000)])
  expect(await it.walkOf(fits, ['linux/amd64'])).toHaveLength(4)
  const absurd = it.image('b', [descriptor(layerType, 'a', half), descriptor(layerType, 'b', half)])
  await expect(it.walkOf(absurd, ['linux/amd64'])).rejects.toMatchObject({ code: 'MANIFEST_INVALID' })
})

test('an image with more blobs, over its platforms, than one order may name is no image for an order', async () => {
  const it = origin()
  const layersOf = (arch: string) => Array.from({ length: 2_500 }, (_, i) => descriptor(layerType, `${arch} ${i}`))
  const manifests = ['amd64', 'arm64'].map((architecture) => ({
    ...it.image(architecture, layersOf(architecture)),
    platform: { os: 'linux', architecture },
  }))
  const index = it.put(indexType, { manifests })
  expect((await it.walkOf(index, ['linux/amd64'])).length).toBeLessThan(MAX_ORDER_ITEMS)
  const both = it.walkOf(index, ['linux/amd64', 'linux/arm64'])
  await expect(both).rejects.toMatchObject({ code: 'MANIFEST_INVALID' })
})

test('progress of any sizes, of any number of hosts, is a count that can be told', () => {
  const size = Number.MAX_SAFE_INTEGER
  const told: Progress = { blobs: 2, bytes: size, doneBlobs: 2, partBlobs: 0, doneBytes: size }
  const items = ['a', 'b'].map((name) => ({ digest: digestOf(Buffer.from(name)), size }))
  const each = believable(told, items)
  for (const progress of [each, sumOf([each, each, told])]) {
    const orders = [{ job: 'j', attempt: 0, state: 'done', progress }]
    const poll = { key: 'k'.repeat(16), peerId: peerIdOf('k'), run: 'r', turn: 1, platform: 'linux/amd64', waitMs: 0 }
    expect(orderPollSchema.safeParse({ ...poll, orders }).success).toBe(true)
  }
})

test('what lies under a URL is a blob, and no index is asked for it', async () => {
  const url = urlRepository(parseWebUrl('https://models.test/a'))
  const digest = digestOf(Buffer.from('a model'))
  const unused = () => Promise.reject(new Error('it was asked'))
  const found = targets({
    index: { getTag: unused, getManifest: unused },
    origins: { statBlob: async () => ({ size: 7 }), readBlob: unused },
  })
  const text = `${url.registry}/${url.name}@${digest}`
  expect(await found.content(text, [], {})).toEqual({
    repository: url,
    digest,
    image: false,
    items: [{ digest, size: 7 }],
  })
})

test('what an image consists of is told for every machine, or for those that are named', async () => {
  const it = origin()
  const images = ['amd64', 'arm64'].map((architecture) => ({
    ...it.image(architecture, [descriptor(layerType, architecture)]),
    platform: { os: 'linux', architecture },
  }))
  const index = it.put(indexType, { manifests: images })
  const of = async (platforms: readonly string[]) => (await it.contentOf(index, platforms)).items.length
  expect([await of([]), await of(['linux/arm64']), await of(['linux/arm64', 'linux/amd64'])]).toEqual([7, 4, 7])
})
