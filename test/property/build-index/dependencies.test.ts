import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Descriptor, Digest } from '../../../lib/core/index.ts'
import { dependenciesOf } from '../../../services/build-index/replication/dependencies.ts'
import { imageGraph } from '../../kit/image-graph.ts'

/** Each entry is an image (its layers) or an index (which of the entries before it are its children). */
const plan = fc.array(
  fc.oneof(
    fc.record({ layers: fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 4 }) }),
    fc.record({ children: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }) }),
  ),
  { minLength: 1, maxLength: 8 },
)

type Plan = typeof plan extends fc.Arbitrary<infer T> ? T : never

async function checkOrder(entries: Plan): Promise<void> {
  const graph = imageGraph()
  const built: Descriptor[] = []
  const childrenOf = new Map<Digest, readonly Digest[]>()
  const layersOf = new Map<Digest, readonly Digest[]>()
  for (const entry of entries) {
    if ('layers' in entry) {
      const layers = entry.layers.map((layer) => graph.blob(`layer ${layer}`))
      const image = graph.image(layers)
      layersOf.set(
        image.digest,
        layers.map(({ digest }) => digest),
      )
      built.push(image)
      continue
    }
    const children = entry.children.flatMap((at) => built[at % Math.max(built.length, 1)] ?? [])
    const index = graph.index(children)
    childrenOf.set(
      index.digest,
      children.map(({ digest }) => digest),
    )
    built.push(index)
  }
  const root = built.at(-1) as Descriptor
  const { manifests, blobs } = await dependenciesOf(graph, root)

  const reachable = new Set<Digest>()
  const visit = (digest: Digest) => {
    reachable.add(digest)
    for (const child of childrenOf.get(digest) ?? []) visit(child)
  }
  visit(root.digest)
  const order = manifests.map(({ digest }) => digest)
  expect(order.toSorted()).toEqual([...reachable].toSorted())
  expect(graph.reads.toSorted()).toEqual([...reachable].toSorted())
  expect(order.at(-1)).toBe(root.digest)
  for (const [parent, children] of childrenOf) {
    if (!reachable.has(parent)) continue
    for (const child of children) expect(order.indexOf(child)).toBeLessThan(order.indexOf(parent))
  }
  const layers = [...reachable].flatMap((digest) => layersOf.get(digest) ?? [])
  const config = layersOf.size > 0 && [...reachable].some((digest) => layersOf.has(digest)) ? 1 : 0
  expect(new Set(blobs.map(({ digest }) => digest)).size).toBe(blobs.length)
  expect(blobs).toHaveLength(new Set(layers).size + config)
}

test('each part of any image comes once, and before whatever needs it', async () => {
  await fc.assert(fc.asyncProperty(plan, checkOrder))
})
