import { describe, expect, test } from '@jest/globals'
import { type Descriptor, MANIFEST_LIMIT } from '../../../lib/core/index.ts'
import { manifestMediaTypes } from '../../../lib/registry/index.ts'
import { dependenciesOf, dependencyLimits } from '../../../services/build-index/replication/dependencies.ts'
import { imageGraph } from '../../kit/image-graph.ts'

const { dockerImage, dockerList } = manifestMediaTypes
const digests = (list: readonly Descriptor[]) => list.map(({ digest }) => digest)

describe('the dependencies of an image', () => {
  test('are its config and layers, and itself last', async () => {
    const graph = imageGraph()
    const layers = [graph.blob('one'), graph.blob('two'), graph.blob('one')]
    const root = graph.image(layers)
    const { manifests, blobs, others } = await dependenciesOf(graph, root)
    expect(manifests).toEqual([root])
    const config = graph.blob('config', 'application/vnd.oci.image.config.v1+json')
    expect(blobs).toEqual([config, layers[0], layers[1]])
    expect(others).toEqual([])
  })

  test('of an index with an index in it come the children first, each read once', async () => {
    const graph = imageGraph()
    const shared = graph.image([graph.blob('shared')])
    const own = graph.image([graph.blob('own')])
    const inner = graph.index([shared, own])
    const root = graph.index([shared, inner])
    const { manifests, blobs } = await dependenciesOf(graph, root)
    expect(manifests).toHaveLength(4)
    expect(manifests.slice(2)).toEqual([inner, root])
    expect(graph.reads.toSorted()).toEqual(digests([shared, own, inner, root]).toSorted())
    expect(new Set(digests(blobs)).size).toBe(3)
  })

  test('a child that stands beside its parent in the root still comes before it', async () => {
    const graph = imageGraph()
    const child = graph.image([graph.blob('x')])
    const parent = graph.index([child])
    for (const order of [
      [child, parent],
      [parent, child],
    ]) {
      const { manifests } = await dependenciesOf(graph, graph.index(order))
      expect(digests(manifests).slice(0, 2)).toEqual(digests([child, parent]))
    }
  })

  test('are found in a manifest list of docker, under the types that are stored', async () => {
    const graph = imageGraph()
    const child = graph.image([graph.blob('x')], dockerImage)
    const root = graph.index([{ ...child, mediaType: manifestMediaTypes.ociImage, size: 1 }], dockerList)
    expect((await dependenciesOf(graph, root)).manifests).toEqual([child, root])
  })

  test('are not layers that clients get from elsewhere', async () => {
    const graph = imageGraph()
    const foreign = graph.blob('foreign', 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip')
    const urls = ['https://example.test/layer']
    const layer = graph.blob('own')
    const root = graph.image(
      [
        { ...foreign, urls },
        { ...layer, urls },
      ],
      dockerImage,
    )
    const { blobs } = await dependenciesOf(graph, root)
    expect(digests(blobs)).not.toContain(foreign.digest)
    expect(digests(blobs)).toContain(layer.digest)
    expect(digests((await dependenciesOf(graph, graph.image([foreign], dockerImage))).blobs)).toContain(foreign.digest)
  })

  test('what an index names beside manifests is told apart', async () => {
    const graph = imageGraph()
    const image = graph.image([graph.blob('in both')])
    const cache = graph.blob('a layer of a build cache')
    const { others, blobs } = await dependenciesOf(graph, graph.index([image, cache, graph.blob('in both')]))
    expect(others).toEqual([cache])
    expect(digests(blobs)).not.toContain(cache.digest)
  })

  test('a manifest of a type that nobody knows has none', async () => {
    const graph = imageGraph()
    const root = graph.put('application/vnd.example+json', Buffer.from('{"anything":1}'))
    expect(await dependenciesOf(graph, root)).toEqual({ manifests: [root], blobs: [], others: [] })
  })

  test('wrong bytes are refused by the digest, also those of a child', async () => {
    const graph = imageGraph()
    const child = graph.image([graph.blob('x')])
    const root = graph.index([child])
    const other = graph.stored.get(graph.image([graph.blob('y')]).digest)
    if (other !== undefined) graph.stored.set(child.digest, other)
    await expect(dependenciesOf(graph, root)).rejects.toMatchObject({ code: 'DIGEST_INVALID' })
  })

  test.each([
    ['half a manifest', '{"schemaVersion":2'],
    ['layers that are no list', '{"schemaVersion":2,"config":{},"layers":5}'],
    ['nothing', ''],
  ])('%s is refused', async (_what, text) => {
    const graph = imageGraph()
    const child = graph.put(manifestMediaTypes.ociImage, Buffer.from(text))
    await expect(dependenciesOf(graph, graph.index([child]))).rejects.toMatchObject({ code: 'MANIFEST_INVALID' })
  })

  test('a manifest larger than any that a registry takes is refused', async () => {
    const graph = imageGraph()
    const root = graph.put(
      'application/vnd.example+json',
      Buffer.from(JSON.stringify({ a: 'x'.repeat(MANIFEST_LIMIT) })),
    )
    await expect(dependenciesOf(graph, root)).rejects.toMatchObject({ code: 'MANIFEST_INVALID' })
  })

  test('a child that the repository does not have is named by the error of the reader', async () => {
    const graph = imageGraph()
    const child = graph.image([])
    const root = graph.index([child])
    graph.stored.delete(child.digest)
    await expect(dependenciesOf(graph, root)).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' })
  })

  test('indexes are followed to the limit of the depth, and no further', async () => {
    const graph = imageGraph()
    let root = graph.index([])
    for (let depth = 1; depth < dependencyLimits.depth; depth += 1) root = graph.index([root])
    expect((await dependenciesOf(graph, root)).manifests).toHaveLength(dependencyLimits.depth)
    const detail = { limit: 'depth', most: dependencyLimits.depth }
    const deeper = dependenciesOf(graph, graph.index([root]))
    await expect(deeper).rejects.toMatchObject({ code: 'REPLICA_TOO_LARGE', detail })
  })

  test('an image of too many manifests is refused before they are read', async () => {
    const graph = imageGraph()
    const children = (from: string) =>
      Array.from({ length: 4096 }, (_, i) => graph.blob(`${from} ${i}`, manifestMediaTypes.ociImage))
    const inner = ['a', 'b', 'c'].map((from) => graph.index(children(from)))
    const detail = { limit: 'manifests', most: dependencyLimits.manifests }
    const found = dependenciesOf(graph, graph.index(inner))
    await expect(found).rejects.toMatchObject({ code: 'REPLICA_TOO_LARGE', detail })
    expect(graph.reads).toHaveLength(4)
  })

  test('an image of too many blobs is refused', async () => {
    const graph = imageGraph()
    const image = (from: number) => graph.image(Array.from({ length: 4096 }, (_, i) => graph.blob(`${from} ${i}`)))
    const images = Array.from({ length: dependencyLimits.blobs / 4000 }, (_, i) => image(i))
    const found = dependenciesOf(graph, graph.index(images))
    await expect(found).rejects.toMatchObject({ code: 'REPLICA_TOO_LARGE', detail: { limit: 'blobs' } })
  })

  test('an image of too large manifests is refused', async () => {
    const graph = imageGraph()
    const padding = 'x'.repeat(MANIFEST_LIMIT - 1_000_000)
    const count = Math.ceil(dependencyLimits.manifestBytes / padding.length)
    const images = Array.from({ length: count }, (_, i) =>
      graph.image([{ ...graph.blob(`${i}`), annotations: { padding } }]),
    )
    const found = dependenciesOf(graph, graph.index(images))
    await expect(found).rejects.toMatchObject({ code: 'REPLICA_TOO_LARGE', detail: { limit: 'manifestBytes' } })
  })

  test('nothing more is read for a caller that has gone', async () => {
    const graph = imageGraph()
    const signal = AbortSignal.abort()
    await expect(dependenciesOf(graph, graph.image([]), { signal })).rejects.toMatchObject({ code: 'ABORTED' })
    expect(graph.reads).toEqual([])
  })
})
