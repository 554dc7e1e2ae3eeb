import { buffer } from 'node:stream/consumers'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import { deferred } from '../../../lib/base/index.ts'
import type { Cluster } from '../../../lib/cluster/index.ts'
import { parseRepository, pieceLengthFor, WITHHELD_TAIL_BYTES } from '../../../lib/core/index.ts'
import type { PartialBlob } from '../../../lib/store/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { clusterOf, someMembers } from '../../kit/cluster.ts'
import { type LabOrigin, type OriginLab, type OriginLabInit, originLab } from '../../kit/origin-lab.ts'
import { type Content, contentOf, putBlob, readBlob, writePieces } from '../../kit/store-fixture.ts'

const PIECE = pieceLengthFor(0)
const size = 6 * PIECE + 12_345
const content = contentOf(cipherBytes('right', size), PIECE)
const blob = { digest: content.digest, repository: parseRepository('team/app') }
const ask = { hop: false } as const

async function started(init: Partial<OriginLabInit> = {}, stored: Content | 'nothing' = content): Promise<OriginLab> {
  const lab = originLab({ count: 3, replicas: 2, ...init })
  for (const { store } of lab.origins) await store.start()
  if (stored !== 'nothing') await lab.inner.write(blobKey(content.digest), stored.bytes, { size: stored.bytes.length })
  return lab
}

/** The first owner, the second owner, and the origin that does not own the blob. */
function inOrder(lab: OriginLab): [LabOrigin, LabOrigin, LabOrigin] {
  const [first, second] = lab.origins[0]!.cluster.owners(content.digest).map(({ id }) => lab.origin(id))
  const other = lab.origins.find((each) => each !== first && each !== second)
  return [first!, second!, other!]
}

const partialAt = ({ store }: LabOrigin): Promise<PartialBlob> => store.openPartial(content.digest, content.map)

/** Resolves when the origin has stored that piece. */
async function hasPiece(origin: LabOrigin, piece: number): Promise<void> {
  await (await partialAt(origin)).whenVerified(piece)
}

async function expectWhole(...origins: readonly LabOrigin[]): Promise<void> {
  for (const { store } of origins) {
    expect(Buffer.compare(await readBlob(store, content.digest), content.bytes)).toBe(0)
    expect((await store.partials()).length).toBe(0)
  }
}

/** Checks after each turn of the event loop. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await setImmediate()
}

/** All origins ask at once; the test itself checks the results. */
function bringAll(...origins: readonly LabOrigin[]) {
  return Promise.allSettled(origins.map((origin) => origin.ingest.ensure(blob, ask)))
}

describe('a cold blob in a cluster', () => {
  test('leaves the backend once, byte by byte, and comes to everybody while it is read', async () => {
    const lab = await started()
    const [first, second, other] = inOrder(lab)
    lab.watched.openTo(4 * PIECE)
    const asks = lab.origins.flatMap(({ ingest }) => Array.from({ length: 60 }, () => ingest.ensure(blob, ask)))
    await Promise.all([first, second, other].map((origin) => hasPiece(origin, 3)))
    expect(await first.store.stat(content.digest)).toBeUndefined()
    lab.watched.openTo(Number.POSITIVE_INFINITY)
    await Promise.all(asks)
    expect(lab.watched.counts.between(size)).toEqual({ least: 1, most: 1 })
    expect(lab.origins.map(({ received }) => received.backend).toSorted((a, b) => a - b)).toEqual([0, 0, size])
    expect(second.received.origin + other.received.origin).toBe(2 * size)
    await expectWhole(first, second, other)
  })

  test('is hashed while it comes: its piece hashes lie beside it', async () => {
    const lab = await started({ count: 1, replicas: 1 })
    await lab.origins[0]!.ingest.ensure(blob, ask)
    const hashes = Array.from({ length: content.map.count }, (_, piece) => content.hash(piece))
    expect(Buffer.from((await lab.origins[0]!.store.sidecar(content.digest, 'pieces')) ?? [])).toEqual(
      Buffer.concat(hashes),
    )
  })

  test.each([0, 1, PIECE, PIECE + 1])('of %i bytes is brought, too', async (length) => {
    const small = contentOf(cipherBytes('small', length), PIECE)
    const lab = await started()
    await lab.inner.write(blobKey(small.digest), small.bytes, { size: length })
    const wanted = { ...blob, digest: small.digest }
    await Promise.all(lab.origins.map(({ ingest }) => ingest.ensure(wanted, ask)))
    for (const { store } of lab.origins) expect(await store.stat(small.digest)).toMatchObject({ size: length })
    expect(lab.watched.counts.total).toBe(length)
  })

  test('of which a read breaks is read on from where it broke', async () => {
    const lab = await started()
    lab.watched.cutAt(2 * PIECE + 100_000)
    await bringAll(...lab.origins)
    expect(lab.watched.counts.between(size)).toEqual({ least: 1, most: 1 })
    expect(lab.backend.calls.read).toBe(2)
    await expectWhole(...lab.origins)
  })

  test('says its size while it comes, without asking the backend again', async () => {
    const lab = await started()
    const [first, second, other] = inOrder(lab)
    lab.watched.openTo(2 * PIECE)
    const all = bringAll(first, second, other)
    await Promise.all([first, second, other].map((origin) => hasPiece(origin, 1)))
    const before = lab.backend.calls.stat
    expect(await Promise.all(lab.origins.map(({ ingest }) => ingest.size(blob)))).toEqual([size, size, size])
    expect(lab.backend.calls.stat).toBe(before)
    lab.watched.openTo(Number.POSITIVE_INFINITY)
    await all
  })

  test('that only another origin has is read from that one, and known by its size', async () => {
    const lab = await started({}, 'nothing')
    const [first, second, other] = inOrder(lab)
    await putBlob(other.store, content)
    expect(await second.ingest.size(blob)).toBe(size)
    await first.ingest.ensure(blob, ask)
    lab.backend.break()
    await second.ingest.ensure(blob, ask)
    await expectWhole(first, second)
  })
})

describe('when the reader of the backend dies half-way', () => {
  async function killedHalfWay(lab: OriginLab) {
    const [first, second, other] = inOrder(lab)
    lab.watched.openTo(3 * PIECE + 7)
    const all = bringAll(first, second, other)
    await Promise.all([first, second, other].map((origin) => hasPiece(origin, 2)))
    await first.kill()
    return { first, second, other, all }
  }

  test('the next owner reads the rest, and the others go on with it', async () => {
    const lab = await started()
    const { first, second, other, all } = await killedHalfWay(lab)
    lab.watched.openTo(Number.POSITIVE_INFINITY)
    expect((await all).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
    await expectWhole(second, other)
    // At most the piece that was on its way was sent twice.
    expect(lab.watched.counts.total).toBeLessThanOrEqual(size + PIECE)
    expect(other.received.origin).toBeLessThanOrEqual(size + PIECE)
    expect(other.received.backend).toBe(0)
    expect(first.received.backend + second.received.backend).toBe(lab.watched.counts.total)
  })

  test('it goes on itself with what it has once it is back, and reads nothing twice', async () => {
    const lab = await started({ count: 1, replicas: 1 })
    const [origin] = lab.origins
    lab.watched.openTo(3 * PIECE + 7)
    const cut = bringAll(origin!)
    await hasPiece(origin!, 2)
    await origin!.kill()
    await cut
    origin!.restart()
    lab.watched.openTo(Number.POSITIVE_INFINITY)
    await origin!.ingest.ensure(blob, ask)
    expect(lab.watched.counts.between(size)).toEqual({ least: 1, most: expect.any(Number) })
    expect(lab.watched.counts.total).toBeLessThanOrEqual(size + PIECE)
    await expectWhole(origin!)
  })

  test('and comes back, it follows the one that reads now', async () => {
    const lab = await started()
    const { first, second, other, all } = await killedHalfWay(lab)
    lab.watched.openTo(5 * PIECE)
    await hasPiece(second, 3)
    first.restart()
    const back = first.ingest.ensure(blob, ask)
    await hasPiece(first, 3)
    lab.watched.openTo(Number.POSITIVE_INFINITY)
    await Promise.all([all, back])
    await expectWhole(first, second, other)
    expect(lab.watched.counts.total).toBeLessThanOrEqual(size + PIECE)
  })

  test('its successor reads from the backend only what no living origin has', async () => {
    const lab = await started()
    const [first, second, other] = inOrder(lab)
    await first.kill()
    await writePieces(await partialAt(second), content, [1])
    await writePieces(await partialAt(other), content, [0, 1, 2, 5])
    await second.ingest.ensure(blob, ask)
    await expectWhole(second)
    expect(lab.watched.counts.ranges.every(({ start, end }) => start >= 3 * PIECE && end <= size)).toBe(true)
    expect(lab.watched.counts.total).toBe(size - 4 * PIECE)
    expect(second.received).toEqual({ backend: size - 4 * PIECE, origin: 3 * PIECE })
  })
})

describe('who reads the backend', () => {
  const members = someMembers(2)
  const ring = clusterOf(members, { replicas: 2 })
  /** Each origin believes that it (or the other one) is the first owner. */
  const views = (selfFirst: boolean) => ({
    ...{ count: 2, replicas: 2 },
    clusterFor: (id: string): Cluster => ({
      ...ring,
      liveOwners: () => members.toSorted((a, b) => (selfFirst ? -1 : 1) * (Number(a.id === id) - Number(b.id === id))),
    }),
  })

  test.each([
    ['both origins take themselves for the first', true],
    ['each origin takes the other for the first', false],
  ])('is one only when %s', async (_views, selfFirst) => {
    const lab = await started(views(selfFirst))
    await Promise.all(lab.origins.map(({ ingest }) => ingest.ensure(blob, ask)))
    expect(lab.watched.counts.between(size)).toEqual({ least: 1, most: 1 })
    await expectWhole(...lab.origins)
  })

  test('is left to an origin that has asked before, though it has not begun to read', async () => {
    const lab = await started(views(true))
    const looked = deferred()
    lab.watched.lookAfter(looked.promise)
    const first = lab.origin('m0').ingest.ensure(blob, ask)
    await until(async () => (await lab.origin('m0').ingest.holding(blob)).claim === 'asking')
    const second = lab.origin('m1').ingest.ensure(blob, ask)
    await until(async () => (await lab.origin('m1').ingest.holding(blob)).claim === 'asking')
    looked.resolve()
    await Promise.all([first, second])
    expect(lab.watched.counts.between(size)).toEqual({ least: 1, most: 1 })
    expect(lab.origin('m1').received).toEqual({ backend: 0, origin: size })
  })

  test('is left to an origin that reads it already, though it has failed for a moment', async () => {
    const lab = await started()
    const [first, second, other] = inOrder(lab)
    lab.watched.openTo(2 * PIECE)
    const reading = first.ingest.ensure(blob, ask)
    await hasPiece(first, 1)
    for (const origin of [second, other]) {
      first.failNextRead()
      const following = origin.ingest.ensure(blob, ask)
      following.catch(() => undefined)
      await hasPiece(origin, 1)
    }
    lab.watched.openTo(Number.POSITIVE_INFINITY)
    await Promise.all([reading, ...[second, other].map(({ ingest }) => ingest.ensure(blob, ask))])
    expect(lab.watched.counts.between(size)).toEqual({ least: 1, most: 1 })
    expect([second, other].map(({ received }) => received.backend)).toEqual([0, 0])
  })

  test('is left to an origin that reads it already, whichever asks', async () => {
    const lab = await started()
    const [first, second] = inOrder(lab)
    lab.watched.openTo(2 * PIECE)
    const reading = first.ingest.ensure(blob, ask)
    await hasPiece(first, 1)
    const asked = second.ingest.ensure(blob, { hop: true })
    await hasPiece(second, 1)
    lab.watched.openTo(Number.POSITIVE_INFINITY)
    await Promise.all([reading, asked])
    expect(lab.watched.counts.between(size)).toEqual({ least: 1, most: 1 })
    expect(second.received.backend).toBe(0)
  })
})

describe('wrong content', () => {
  test('of the backend is read once, refused by all, and nothing of it stays anywhere', async () => {
    const lab = await started({}, contentOf(cipherBytes('wrong', size)))
    const ends = await bringAll(...inOrder(lab))
    expect(ends.map((end) => end.status === 'rejected' && (end.reason as { code: string }).code)).toEqual([
      'BACKEND_CORRUPT',
      'DIGEST_REFUSED',
      'DIGEST_REFUSED',
    ])
    expect(lab.watched.counts.between(size)).toEqual({ least: 1, most: 1 })
    for (const { store } of lab.origins)
      expect({ bytes: store.usedBytes, left: await store.partials() }).toEqual({ bytes: 0, left: [] })
  })

  test('that an earlier run left is brought again, and the backend is not blamed', async () => {
    const lab = await started({ count: 1, replicas: 1 })
    const [origin] = lab.origins
    const wrong = contentOf(cipherBytes('wrong', size), PIECE)
    await writePieces(await partialAt(origin!), wrong, [0, 2])
    await origin!.ingest.ensure(blob, ask)
    await expectWhole(origin!)
  })

  test('that another origin holds is brought again from the backend', async () => {
    const lab = await started()
    const [first, second] = inOrder(lab)
    const wrong = contentOf(cipherBytes('wrong', size), PIECE)
    await writePieces(await partialAt(second), wrong, [1])
    await first.ingest.ensure(blob, ask)
    await expectWhole(first)
    expect(lab.watched.counts.total).toBe(2 * size - PIECE)
  })

  test('ends short for an origin that reads it while it comes', async () => {
    const lab = await started({}, contentOf(cipherBytes('wrong', size)))
    const [first] = inOrder(lab)
    // All pieces but the last one, which lacks a byte.
    lab.watched.openTo(size - 1)
    const { read } = await first.ingest.open(blob, { hop: true })
    const body = await read({ start: 0, end: size })
    let received = 0
    body.on('data', (chunk: Uint8Array) => {
      received += chunk.length
    })
    await hasPiece(first, content.map.count - 2)
    await until(() => received >= 5 * PIECE)
    for (let round = 0; round < 50; round += 1) await setImmediate()
    lab.watched.openTo(Number.POSITIVE_INFINITY)
    await expect(buffer(body)).rejects.toMatchObject({ code: 'BACKEND_CORRUPT' })
    expect(received).toBeGreaterThanOrEqual(5 * PIECE)
    expect(received).toBeLessThanOrEqual(size - WITHHELD_TAIL_BYTES)
  })
})

describe('what an origin tells of a blob', () => {
  test('is what the origin has, and the question fetches nothing', async () => {
    const lab = await started()
    const [, second, other] = inOrder(lab)
    await writePieces(await partialAt(second), content, [0, 1, 4])
    expect(await second.ingest.holding(blob)).toEqual({
      size,
      ranges: [
        { start: 0, end: 2 * PIECE },
        { start: 4 * PIECE, end: 5 * PIECE },
      ],
      verified: false,
      claim: 'none',
    })
    expect(await other.ingest.holding(blob)).toMatchObject({ size: undefined, ranges: [] })
    const held = await buffer(await second.ingest.openHeld(blob, { start: 5, end: 2 * PIECE }))
    expect(held.equals(content.bytes.subarray(5, 2 * PIECE))).toBe(true)
    const missing = second.ingest.openHeld(blob, { start: PIECE, end: 3 * PIECE })
    await expect(missing).rejects.toMatchObject({ code: 'RANGE_UNSATISFIABLE' })
    expect(lab.backend.calls).toMatchObject({ stat: 0, read: 0 })
  })
})
