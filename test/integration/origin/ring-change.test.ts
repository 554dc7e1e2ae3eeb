import { describe, expect, test } from '@jest/globals'
import type { Digest } from '../../../lib/core/index.ts'
import type { Walk } from '../../../services/origin/upkeep/hand-over.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { eventually } from '../../kit/eventually.ts'
import { type OriginRing, originRing, untilAdmin } from '../../kit/origin-ring.ts'
import { type Content, contentOf, randomContent } from '../../kit/store-fixture.ts'

const KIB = 1024
const SIZE = 64 * KIB
const contents = Array.from({ length: 24 }, (_, i) => contentOf(cipherBytes(`blob ${i}`, SIZE)))
/** Space for all contents, but not for much more. */
const small = { store: { capacity: 3 * 1024 * KIB, minFree: 0 } }

interface Blobs {
  readonly blobs: readonly { readonly digest: Digest }[]
}
interface WalkAnswer {
  readonly walk?: Walk
}

const ended = ({ walk }: WalkAnswer) => walk?.endedAtMs !== undefined

const heldBy = async (ring: OriginRing, id: string): Promise<ReadonlySet<Digest>> => {
  const { body } = await ring.admin(id, 'GET', '/blobs')
  return new Set((body as Blobs).blobs.map(({ digest }) => digest))
}

const digestsOf = (of: readonly Content[]) => of.map(({ digest }) => digest)

/** Puts each content on its owners among `members`, and on no other origin. */
async function pushToOwners(ring: OriginRing, members: readonly string[], all: readonly Content[]): Promise<void> {
  const cluster = ring.ringOf(...members)
  for (const content of all) for (const { id } of cluster.owners(content.digest)) await ring.put(id, content)
}

/** Fills an origin with other blobs until it has evicted all that it may. */
async function pressOn(ring: OriginRing, id: string): Promise<void> {
  const others = Array.from({ length: 48 }, (_, i) => contentOf(cipherBytes(`other ${i}`, SIZE)))
  for (const other of others) await ring.put(id, other).catch(() => undefined)
}

async function unreadable(ring: OriginRing, id: string): Promise<readonly Digest[]> {
  const lost: Digest[] = []
  for (const { bytes, digest } of contents) {
    const body = await ring.read(id, digest)
    if (typeof body === 'number' || Buffer.compare(body, bytes) !== 0) lost.push(digest)
  }
  return lost
}

describe('a ring whose members change while the backend has nothing and does not answer', () => {
  test('a member joins: its blobs are handed over before their former owners evict them', async () => {
    await using ring = await originRing(['origin-1', 'origin-2', 'origin-3'])
    ring.backend.break()
    const before = ['origin-1', 'origin-2']
    for (const id of before) await ring.start(id, { members: before, config: small })
    await pushToOwners(ring, before, contents)
    for (const id of before) await ring.stop(id)

    // Both old owners know of the third member, which has not started yet; their disks become full at once.
    for (const id of before) await ring.start(id, { config: small })
    for (const id of before) await pressOn(ring, id)
    const cluster = ring.ringOf('origin-1', 'origin-2', 'origin-3')
    const movedFrom = (id: string) =>
      contents.filter(({ digest }) => !cluster.owners(digest).some((owner) => owner.id === id))
    expect(before.map((id) => movedFrom(id).length > 0)).toEqual([true, true])
    for (const id of before) {
      const held = await heldBy(ring, id)
      expect(digestsOf(movedFrom(id)).filter((digest) => !held.has(digest))).toEqual([])
    }

    await ring.start('origin-3', { config: { store: { capacity: '1GB', minFree: 0 } } })
    const owned = (id: string) =>
      digestsOf(contents).filter((digest) => cluster.owners(digest).some((owner) => owner.id === id))
    // The old owners, which failed to reach the new member, treat it as unhealthy for a while.
    await eventually(async () => {
      for (const id of before) await ring.admin(id, 'POST', '/hand-over')
      const held = await heldBy(ring, 'origin-3')
      expect(owned('origin-3').filter((digest) => !held.has(digest))).toEqual([])
    })
    for (const id of before) await pressOn(ring, id)
    for (const id of before) {
      const held = await heldBy(ring, id)
      expect(owned(id).filter((digest) => !held.has(digest))).toEqual([])
    }
    for (const { bytes, digest } of contents) {
      const [owner] = cluster.owners(digest)
      expect(Buffer.compare((await ring.read(owner!.id, digest)) as Buffer, bytes)).toBe(0)
    }
  })

  test('a member leaves by drain, is stopped and its disk thrown away: every blob is still there', async () => {
    const all = ['origin-1', 'origin-2', 'origin-3']
    await using ring = await originRing(all)
    ring.backend.break()
    for (const id of all) await ring.start(id)
    // The leaving member has the only copy of half of them.
    const cluster = ring.ringOf(...all)
    const its = contents.filter(({ digest }) => cluster.owners(digest).some(({ id }) => id === 'origin-2'))
    expect(its.length).toBeGreaterThan(3)
    await pushToOwners(
      ring,
      all,
      contents.filter((content) => !its.includes(content)),
    )
    for (const content of its) await ring.put('origin-2', content)

    expect(await ring.admin('origin-2', 'GET', '/drain')).toMatchObject({ body: { state: 'staying' } })
    expect((await ring.admin('origin-2', 'POST', '/drain')).status).toBe(202)
    await untilAdmin<{ state: string }>(ring, 'origin-2', '/drain', ({ state }) => state === 'left')
    expect(await ring.missing('origin-2')).toMatchObject({ drain: expect.stringMatching(/^drained/) })
    await expect(ring.put('origin-2', randomContent(10))).rejects.toThrow('503')

    await ring.remove('origin-2')
    const rest = ['origin-1', 'origin-3']
    for (const id of rest) await ring.stop(id)
    for (const id of rest) await ring.start(id, { members: rest })
    for (const id of rest) expect(await unreadable(ring, id)).toEqual([])
  })

  test('a member that leaves while no other can take its blobs is not done, says so, and may stay after all', async () => {
    await using ring = await originRing(['origin-1', 'origin-2'])
    ring.backend.break()
    await ring.start('origin-1')
    await ring.put('origin-1', contents[0]!)
    await ring.admin('origin-1', 'POST', '/drain')
    const left = ({ state, walk }: { state: string; walk?: Walk }) => state === 'leaving' && walk?.unsafe === 1
    await untilAdmin(ring, 'origin-1', '/drain', left)
    expect(await ring.missing('origin-1')).toMatchObject({ drain: expect.stringMatching(/^draining/) })
    expect((await ring.admin('origin-1', 'DELETE', '/drain')).body).toMatchObject({ state: 'staying' })
    expect(await ring.missing('origin-1')).toEqual({})
    await ring.put('origin-1', contents[1]!)
  })

  test('with everything in the backend a drain copies nothing', async () => {
    await using ring = await originRing(['origin-1', 'origin-2'])
    for (const id of ['origin-1', 'origin-2']) await ring.start(id)
    for (const { bytes, digest } of contents) {
      await ring.inner.write(`blobs/sha256/${digest.slice(7, 9)}/${digest.slice(7)}`, bytes, { size: SIZE })
    }
    for (const content of contents) await ring.put('origin-1', content)
    await ring.admin('origin-1', 'POST', '/drain')
    await untilAdmin<{ state: string }>(ring, 'origin-1', '/drain', ({ state }) => state === 'left')
    expect((await heldBy(ring, 'origin-2')).size).toBe(0)
  })
})

test('a hand-over that kill -9 cuts off goes on after the restart, and loses nothing', async () => {
  await using ring = await originRing(['origin-1', 'origin-2'], 1)
  // The kill comes after the first of them and seconds before the last, also on a slow machine.
  const slow = { handOver: { rate: '1MB/s' } }
  await ring.start('origin-1', { alone: true, members: ['origin-1'] })
  await ring.start('origin-2')
  const cluster = ring.ringOf('origin-1', 'origin-2')
  const moving = Array.from({ length: 12 }, (_, i) => contentOf(cipherBytes(`moving ${i}`, 2 ** 20))).filter(
    ({ digest }) => cluster.owners(digest)[0]?.id === 'origin-2',
  )
  expect(moving.length).toBeGreaterThan(2)
  for (const content of moving) await ring.put('origin-1', content)
  await ring.stop('origin-1')
  await ring.start('origin-1', { alone: true, config: slow })
  await untilAdmin<Blobs>(ring, 'origin-2', '/blobs', ({ blobs }) => blobs.length > 0)
  await ring.kill('origin-1')
  expect((await heldBy(ring, 'origin-2')).size).toBeLessThan(moving.length)

  await ring.start('origin-1', { alone: true })
  await untilAdmin<Blobs>(ring, 'origin-2', '/blobs', ({ blobs }) => blobs.length === moving.length)
  for (const { bytes, digest } of moving)
    expect(Buffer.compare((await ring.read('origin-2', digest)) as Buffer, bytes)).toBe(0)
  await untilAdmin<WalkAnswer>(ring, 'origin-1', '/hand-over', ended)
})
