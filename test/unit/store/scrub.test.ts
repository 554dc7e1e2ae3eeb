import { describe, expect, test } from '@jest/globals'
import { appError, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { type Digest, PieceMap } from '../../../lib/core/index.ts'
import { inlineDigester, type RunningDigest } from '../../../lib/metainfo/index.ts'
import {
  type ManagedStore,
  memoryStore,
  type Repair,
  type Scrub,
  type SidecarName,
  scrub,
} from '../../../lib/store/index.ts'
import type { ScrubComponents } from '../../../lib/store/scrub/scrub.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { contentOf, putBlob } from '../../kit/store-fixture.ts'

const KIB = 1024
const MIB = 1024 * KIB
const HOUR = 3_600_000

const ended = () => Promise.reject(appError('UNAVAILABLE'))
const endedDigest: RunningDigest = { update: ended, end: ended, close: () => undefined }

async function world(bytesPerSecond: number | undefined) {
  const clock = fakeClock()
  const store = memoryStore({ clock, random: seededRandom(1), logger: silentLogger() }, { capacityBytes: 1e9 })
  await store.start()
  const looked: string[] = []
  const watched: ManagedStore = Object.assign(Object.create(store) as ManagedStore, {
    look: (digest: never) => store.look(digest),
    inspect: () => store.inspect(),
    noteVerified: (digest: never) => store.noteVerified(digest),
    sidecar: (digest: never, name: SidecarName) => store.sidecar(digest, name),
    putSidecar: (digest: never, name: SidecarName, bytes: Uint8Array) => store.putSidecar(digest, name, bytes),
    async peek(digest: never, range: { readonly start: number; readonly end: number }) {
      if (looked.at(-1) !== digest) looked.push(digest)
      return store.peek(digest, range)
    },
  })
  const components = {
    ...{ store: watched, clock, logger: silentLogger(), digester: inlineDigester(), onVerified: () => undefined },
    repair: { replace: async () => ({ outcome: 'lost' }) } satisfies Repair,
  }
  const make = (given: Partial<ScrubComponents> = { pieceHashes: watched }, periodMs = 24 * HOUR): Scrub =>
    scrub({ ...components, ...given }, { periodMs, bytesPerSecond })
  return { clock, store, watched, looked, make }
}

describe('a scrub', () => {
  test('verifies a blob when its period is over, those first that were verified longest ago', async () => {
    const { clock, store, looked, make } = await world(undefined)
    const contents = [1, 2, 3].map((n) => contentOf(cipherBytes(`blob ${n}`, 10)))
    for (const content of contents) {
      await putBlob(store, content)
      await clock.advance(HOUR)
    }
    const scrubbing = make()
    expect(await scrubbing.round()).toBe(HOUR)
    expect(looked).toEqual([])
    await clock.advance(24 * HOUR)
    await scrubbing.round()
    expect(looked).toEqual(contents.map(({ digest }) => digest))
    await scrubbing.round()
    expect(looked).toHaveLength(3)
  })

  test('goes on after a restart where it stood', async () => {
    const { clock, store, looked, make } = await world(undefined)
    const contents = [1, 2].map((n) => contentOf(cipherBytes(`blob ${n}`, 10)))
    for (const content of contents) await putBlob(store, content)
    await clock.advance(25 * HOUR)
    await make().verify(contents[0]!.digest)
    await store.stop()
    await store.start()
    looked.length = 0
    await make().round()
    expect(looked).toEqual([contents[1]!.digest])
  })

  test('reads no faster than its rate, and stops at once when it is told to', async () => {
    const { clock, store, make } = await world(512 * KIB)
    await putBlob(store, contentOf(cipherBytes('large', 4096 * KIB)))
    await clock.advance(25 * HOUR)
    const scrubbing = make()
    const ending = new AbortController()
    let isOver = false
    const round = scrubbing.round({ signal: ending.signal }).finally(() => {
      isOver = true
    })
    const told = expect(round).rejects.toMatchObject({ code: 'ABORTED' })
    // The rate allows one second's worth at once; the rest takes seven seconds.
    await clock.advance(6_500)
    expect(isOver).toBe(false)
    expect(scrubbing.status).toMatchObject({ verifiedBlobs: 0, due: 1 })
    ending.abort()
    await told
    const again = make()
    const whole = again.round()
    await clock.advance(8_000)
    await whole
    expect(again.status).toMatchObject({ verifiedBlobs: 1, due: 0 })
  })

  test('that is hurried verifies all that is there now, once', async () => {
    const { clock, store, looked, make } = await world(undefined)
    await putBlob(store, contentOf(cipherBytes('one', 10)))
    await clock.advance(1000)
    const scrubbing = make()
    scrubbing.hurry()
    await scrubbing.round()
    await scrubbing.round()
    expect(looked).toHaveLength(1)
  })

  test.each([
    ['piece hashes are kept beside the blobs', true, [new PieceMap(3 * MIB).pieceAt(MIB + 5)]],
    ['none are', false, []],
  ])('tells a rotten blob and its wrong pieces where %s, and leaves the others', async (_, areKept, pieces) => {
    const { clock, store, watched, make } = await world(undefined)
    const [rotten, sound] = ['rotten', 'sound'].map((name) => contentOf(cipherBytes(name, 3 * MIB), MIB))
    for (const content of [rotten, sound]) await putBlob(store, content!)
    watched.peek = async (digest, range) => {
      const bytes = Uint8Array.from(await store.peek(digest, range))
      const at = MIB + 5 - range.start
      if (digest === rotten?.digest && at >= 0 && at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ 1
      return bytes
    }
    const removed: Digest[] = []
    const repair: Repair = {
      async replace(digest) {
        removed.push(digest)
        await store.delete(digest)
        return { outcome: 'removed' }
      },
    }
    await clock.advance(25 * HOUR)
    const scrubbing = make(areKept ? { repair, pieceHashes: watched } : { repair })
    await scrubbing.round()
    expect(removed).toEqual([rotten?.digest])
    expect(scrubbing.status.findings).toEqual([expect.objectContaining({ outcome: 'removed', pieces })])
    expect(await store.stat(sound!.digest)).toBeDefined()
    expect(scrubbing.status).toMatchObject({ verifiedBlobs: 2, due: 0 })
  })

  test('of an empty store looks again no later than a blob that comes now is due', async () => {
    const { make } = await world(undefined)
    expect(await make().round()).toBe(HOUR)
    expect(await make({}, 5_000).round()).toBe(5_000)
  })

  test('that fails because the thread of the digester has ended says nothing of the blob', async () => {
    const { clock, store, make } = await world(undefined)
    const content = contentOf(cipherBytes('unlucky', 1000))
    await putBlob(store, content)
    await clock.advance(25 * HOUR)
    const digester = { ...inlineDigester(), running: () => endedDigest }
    await expect(make({ digester }).round()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(await store.stat(content.digest)).toBeDefined()
    expect(make().status).toMatchObject({ due: 1 })
  })
})
