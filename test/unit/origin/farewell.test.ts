import type { Readable } from 'node:stream'
import { finished as ended } from 'node:stream/promises'
import { describe, expect, test } from '@jest/globals'
import { type AbortOptions, abortable, appError, deferred, fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { type Digest, parseRepository } from '../../../lib/core/index.ts'
import { memoryStore } from '../../../lib/store/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import type { Siblings } from '../../../services/origin/ring/siblings.ts'
import { type Farewell, farewell } from '../../../services/origin/upkeep/farewell.ts'
import { clusterOf, someMembers } from '../../kit/cluster.ts'
import { type Content, chunksOf, putBlob, randomContent } from '../../kit/store-fixture.ts'

const LIMIT_MS = 10_000
const members = someMembers(3)
const contents = [1, 2, 3].map((seed) => randomContent(5_000, seed))

interface LabInit {
  readonly held?: Record<string, Digest[]>
  readonly alone?: boolean
  /** Nobody says to which repositories these belong. */
  readonly refused?: readonly Digest[]
}

/** The origin `m0` of three, with blobs that it has brought; others have what `held` names. */
async function lab({ held = {}, alone = false, refused = [] }: LabInit = {}) {
  const clock = fakeClock()
  const store = memoryStore({ clock, random: seededRandom(1), logger: silentLogger() }, { capacityBytes: 1e6 })
  await store.start()
  for (const content of contents) await putBlob(store, content)
  const cluster = clusterOf(alone ? members.slice(0, 1) : members, { clock })
  const given: [string, Digest][] = []
  const finished = deferred()
  let asked = 0
  const siblings = {
    async holding({ id }: { id: string }, { digest }: { digest: Digest }) {
      const has = held[id]?.includes(digest) === true
      return { size: has ? 5_000 : undefined, ranges: [], verified: has, claim: 'none', keeps: false }
    },
    async put({ id }: { id: string }, { digest }: { digest: Digest }, { body }: { body: Readable }) {
      await ended(body.resume())
      given.push([id, digest])
    },
  } as unknown as Siblings
  const names = {
    async of(digest: Digest) {
      if (refused.includes(digest)) throw appError('DIGEST_REFUSED')
      return [parseRepository('team/x')] as const
    },
  }
  const ingest = {
    finish: ({ signal }: AbortOptions = {}) => {
      asked += 1
      return abortable(finished.promise, signal)
    },
  }
  const parts = { clock, store, cluster, siblings, names, ingest, logger: silentLogger() }
  const bye: Farewell = farewell({ ...parts, onCopied: () => undefined }, { memberId: 'm0', limitMs: LIMIT_MS })
  await bye.start()
  return { bye, clock, store, cluster, given, finished, asked: () => asked }
}

const next = (cluster: ReturnType<typeof clusterOf>, { digest }: Content) =>
  cluster.candidates(digest).find(({ id }) => id !== 'm0')?.id

describe('an origin that is about to stop', () => {
  test('gives what it has brought of late to the next of each blob, the last first, once what is under way has ended', async () => {
    const it = await lab()
    for (const { digest } of contents) it.bye.noteBrought(digest)
    expect(it.bye.hasBegun).toBe(false)
    const stopped = it.bye.stop()
    expect(it.bye.hasBegun).toBe(true)
    await it.clock.advance(1_500)
    expect(it.given).toEqual([])
    it.finished.resolve()
    await stopped
    const wanted = contents.map((content) => [next(it.cluster, content), content.digest])
    expect(it.given.toSorted()).toEqual(wanted.toSorted())
  })

  test('gives nothing that another has, that came a minute ago, or that is gone', async () => {
    const [other, old, gone] = contents.map(({ digest }) => digest) as [Digest, Digest, Digest]
    const it = await lab({ held: { m2: [other] } })
    it.bye.noteBrought(old)
    await it.clock.advance(60_000)
    for (const digest of [other, gone]) it.bye.noteBrought(digest)
    await it.store.delete(gone)
    it.finished.resolve()
    await it.bye.stop()
    expect(it.given).toEqual([])
  })

  test('waits for uploads that somebody writes, and not for those that nobody has touched for a second', async () => {
    const it = await lab({ alone: true })
    const upload = await it.store.createUpload()
    let isOver = false
    const stopped = it.bye.stop().then(() => {
      isOver = true
    })
    await it.clock.advance(900)
    await upload.append(chunksOf(randomContent(10).bytes), { offset: 0 })
    await it.clock.advance(900)
    expect(isOver).toBe(false)
    await it.clock.advance(200)
    await stopped
  })

  test('waits for an upload whose bytes come in for as long as they do', async () => {
    const it = await lab({ alone: true })
    const upload = await it.store.createUpload()
    const last = deferred()
    const slowly = async function* () {
      yield randomContent(10).bytes
      await last.promise
      yield randomContent(10).bytes
    }
    const appended = upload.append(slowly(), { offset: 0 })
    let isOver = false
    const stopped = it.bye.stop().then(() => {
      isOver = true
    })
    await it.clock.advance(5_000)
    expect(isOver).toBe(false)
    last.resolve()
    await appended
    await it.clock.advance(1_100)
    await stopped
    expect(upload.size).toBe(20)
  })

  test('gives the others when one cannot be given', async () => {
    const [bad, ...good] = contents.map(({ digest }) => digest) as [Digest, Digest, Digest]
    const it = await lab({ refused: [bad] })
    for (const digest of [...good, bad]) it.bye.noteBrought(digest)
    it.finished.resolve()
    await it.bye.stop()
    expect(it.given.map(([, digest]) => digest).toSorted()).toEqual(good.toSorted())
  })

  test('does not wait for what is brought when no other origin could go on with it', async () => {
    const it = await lab({ alone: true })
    await it.clock.advance(1_500)
    await it.bye.stop()
    expect([it.asked(), it.given]).toEqual([0, []])
  })

  test('tells of a failure also when its time has passed for something else', async () => {
    const it = await lab()
    const upload = await it.store.createUpload()
    const last = deferred()
    const slowly = async function* () {
      yield randomContent(10).bytes
      await last.promise
    }
    const appended = upload.append(slowly(), { offset: 0 })
    it.finished.reject(appError('BACKEND_UNAVAILABLE'))
    const stopped = expect(it.bye.stop()).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    await it.clock.advance(LIMIT_MS)
    await stopped
    last.resolve()
    await appended
  })

  test('goes after its time, whatever is still under way', async () => {
    const it = await lab()
    const stopped = it.bye.stop()
    await it.clock.advance(LIMIT_MS)
    await stopped
  })
})
