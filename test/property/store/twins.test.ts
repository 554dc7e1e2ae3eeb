import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { codeOf, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { diskStore, type ManagedStore, memoryStore, type StoreInit } from '../../../lib/store/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { type Content, chunksOf, randomContent, readBlob, writePieces } from '../../kit/store-fixture.ts'
import { strayFiles } from '../../kit/store-folder.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

const KIB = 1024
const contents = [0, 1, 700, 3 * KIB, 5 * KIB + 3, 8 * KIB].map((length) => randomContent(length))
const init: StoreInit = { capacityBytes: 16 * KIB, minFreeBytes: 0 }

/** The result of one step: a value to compare, or an error code. */
type Answer = unknown

interface Hand {
  store: ManagedStore
  uploadIds: string[]
  leases: (() => void)[]
  restart(): Promise<void>
}

type Step = (hand: Hand) => Promise<Answer>

const content = fc.constantFrom(...contents)
const hex = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : Buffer.from(bytes).toString('hex'))

const steps: readonly fc.Arbitrary<readonly [string, Step]>[] = [
  fc.constant([
    'create an upload',
    async (hand: Hand) => {
      hand.uploadIds.push((await hand.store.createUpload()).id)
    },
  ] as const),
  fc.tuple(fc.nat(9), content, fc.nat(9000), fc.nat(9000)).map(
    ([slot, { bytes }, a, b]) =>
      [
        'append',
        async (hand: Hand) => {
          const upload = await hand.store.upload(hand.uploadIds[slot] ?? 'none')
          await upload.append(chunksOf(bytes.subarray(Math.min(a, b), Math.max(a, b))), { offset: upload.size })
          return [upload.size, await upload.digest('sha256')]
        },
      ] as const,
  ),
  fc.tuple(fc.nat(9), content).map(
    ([slot, { bytes, digest }]) =>
      [
        'finish and commit',
        async (hand: Hand) => {
          const upload = await hand.store.upload(hand.uploadIds[slot] ?? 'none')
          await upload.append(chunksOf(bytes.subarray(upload.size)), { offset: upload.size })
          return upload.commit(digest)
        },
      ] as const,
  ),
  fc
    .nat(9)
    .map(
      (slot) =>
        ['abort', async (hand: Hand) => (await hand.store.upload(hand.uploadIds[slot] ?? 'none')).abort()] as const,
    ),
  fc.tuple(content, fc.array(fc.nat(8), { maxLength: 5 })).map(
    ([wanted, pieces]) =>
      [
        'write pieces',
        async (hand: Hand) => {
          const partial = await hand.store.openPartial(wanted.digest, wanted.map)
          await writePieces(
            partial,
            wanted,
            pieces.filter((piece) => piece < wanted.map.count),
          )
          return [...partial.have]
        },
      ] as const,
  ),
  content.map(
    (wanted) =>
      [
        'complete',
        async (hand: Hand) => {
          const partial = await hand.store.openPartial(wanted.digest, wanted.map)
          return partial.complete()
        },
      ] as const,
  ),
  content.map(
    (wanted) =>
      [
        'fill and complete',
        async (hand: Hand) => {
          const partial = await hand.store.openPartial(wanted.digest, wanted.map)
          await writePieces(partial, wanted)
          const blob = await partial.complete()
          return [blob, hex(await partial.read({ start: 0, end: wanted.map.length }))]
        },
      ] as const,
  ),
  content.map(({ digest }) => ['read', async (hand: Hand) => hex(await readBlob(hand.store, digest))] as const),
  content.map(({ digest }) => ['delete', (hand: Hand) => hand.store.delete(digest)] as const),
  content.map(
    ({ digest }) => ['lease', async (hand: Hand) => void hand.leases.push(hand.store.lease(digest))] as const,
  ),
  fc.constant(['release', async (hand: Hand) => hand.leases.pop()?.()] as const),
  content.map(
    ({ digest }) =>
      ['put a sidecar', (hand: Hand) => hand.store.putSidecar(digest, 'pieces', Buffer.from(digest))] as const,
  ),
  content.map(
    ({ digest }) => ['get a sidecar', async (hand: Hand) => hex(await hand.store.sidecar(digest, 'pieces'))] as const,
  ),
  fc.constant(['restart', (hand: Hand) => hand.restart()] as const),
]

const byDigest = (a: Pick<Content, 'digest'>, b: Pick<Content, 'digest'>) => (a.digest < b.digest ? -1 : 1)

/** Does a step and returns all that can be observed of it, without differences of order and time of day. */
async function observe(hand: Hand, step: Step): Promise<Answer> {
  const answer = await step(hand).catch((err: unknown) => codeOf(err) ?? String(err))
  return {
    answer,
    used: hand.store.usedBytes,
    blobs: [...(await hand.store.list())].sort(byDigest),
    sidecars: await Promise.all(contents.map(async ({ digest }) => hex(await hand.store.sidecar(digest, 'pieces')))),
    partials: [...(await hand.store.partials())].sort(byDigest),
  }
}

describe('the store in a folder and its twin in memory', () => {
  test('answer the same to whatever is done with them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(...steps), { minLength: 5, maxLength: 40 }), async (script) => {
        await using folder = await tempFolder('twins')
        const clock = fakeClock()
        const components = () => ({ clock, random: seededRandom(1), logger: silentLogger() })
        const onDisk = { ...init, folder: folder.path }
        const disk: Hand = {
          store: diskStore(components(), onDisk),
          uploadIds: [],
          leases: [],
          async restart() {
            await disk.store.stop()
            await disk.store.start()
          },
        }
        const memory: Hand = {
          store: memoryStore(components(), init),
          uploadIds: [],
          leases: [],
          async restart() {
            await memory.store.stop()
            await memory.store.start()
          },
        }
        await Promise.all([disk.store.start(), memory.store.start()])
        for (const [, step] of script) {
          // The times of use all differ, so that the order of eviction is unique.
          await clock.advance(1000)
          expect(await observe(disk, step)).toEqual(await observe(memory, step))
        }
        await Promise.all([disk.store.stop(), memory.store.stop()])
        expect(await strayFiles(folder.path)).toEqual([])
      }),
      { numRuns: 60, seed: 20_261_123 },
    )
  })
})
