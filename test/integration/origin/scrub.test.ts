import { open, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { type Digest, PieceMap } from '../../../lib/core/index.ts'
import type { ScrubStatus } from '../../../lib/store/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { type OriginRing, originRing, untilAdmin } from '../../kit/origin-ring.ts'
import { type Content, contentOf } from '../../kit/store-fixture.ts'

const MIB = 2 ** 20
const content = contentOf(cipherBytes('rotten', 3 * MIB), MIB)
const rottenPiece = new PieceMap(content.bytes.length).pieceAt(MIB + 5)
const healthy = contentOf(cipherBytes('healthy', 1000))
const quick = { config: { scrub: { rate: 'unlimited' } } }

const dataOf = (ring: OriginRing, id: string, digest: Digest) =>
  join(ring.folder(id), 'blobs/sha256', digest.slice(7, 9), digest.slice(7), 'data')

/** Inverts one byte of the second piece. */
async function flip(ring: OriginRing, id: string): Promise<void> {
  const file = await open(dataOf(ring, id, content.digest), 'r+')
  const byte = content.bytes[MIB + 5] ?? 0
  await file.write(Uint8Array.of(byte ^ 0xff), 0, 1, MIB + 5)
  await file.close()
}

const giveToBackend = (ring: OriginRing, { bytes, digest }: Content) =>
  ring.inner.write(blobKey(digest), bytes, { size: bytes.length })

/** Verifies the blob, which also stores its piece hashes, so that a later finding can name its pieces. */
const isIntact = async (ring: OriginRing, id: string) => {
  const { body } = await ring.admin(id, 'POST', `/blobs/${content.digest}/repair`)
  expect(body).toEqual({ verdict: 'good' })
}

const foundAt = (ring: OriginRing, id: string) =>
  untilAdmin<ScrubStatus>(ring, id, '/scrub', ({ findings }) => findings.length > 0)

async function readsRight(ring: OriginRing, id: string): Promise<boolean> {
  const body = await ring.read(id, content.digest)
  return typeof body !== 'number' && Buffer.compare(body, content.bytes) === 0
}

describe('a blob that rots on the disk', () => {
  test('is found by a scrub and brought from a replica while the backend is away, with its pin', async () => {
    await using ring = await originRing(['origin-1', 'origin-2'])
    ring.backend.break()
    for (const id of ['origin-1', 'origin-2']) await ring.start(id, quick)
    for (const id of ['origin-1', 'origin-2']) for (const each of [content, healthy]) await ring.put(id, each)
    await isIntact(ring, 'origin-1')
    await ring.admin('origin-1', 'PUT', `/blobs/${content.digest}/pin`)
    await flip(ring, 'origin-1')
    expect((await ring.admin('origin-1', 'POST', '/scrub')).status).toBe(202)
    const { findings } = await foundAt(ring, 'origin-1')
    const expected = { digest: content.digest, pieces: [rottenPiece], outcome: 'repaired', from: 'replica' }
    expect(findings).toEqual([expect.objectContaining(expected)])
    expect(await readsRight(ring, 'origin-1')).toBe(true)
    expect(await ring.metric('origin-1', 'shoal_scrub_blobs_total{outcome="repaired"}')).toBe(1)
    const { body } = await ring.admin('origin-1', 'GET', `/blobs/${content.digest}`)
    expect(body).toMatchObject({ holds: expect.arrayContaining(['pinned']), others: { 'origin-2': 'kept' } })
  })

  test('is brought from the backend while the replica is away', async () => {
    await using ring = await originRing(['origin-1', 'origin-2'])
    await giveToBackend(ring, content)
    await ring.start('origin-1', quick)
    await ring.put('origin-1', content)
    await isIntact(ring, 'origin-1')
    await flip(ring, 'origin-1')
    const { body } = await ring.admin('origin-1', 'POST', `/blobs/${content.digest}/repair`)
    expect(body).toEqual({ verdict: 'repaired' })
    expect((await foundAt(ring, 'origin-1')).findings).toEqual([expect.objectContaining({ from: 'backend' })])
    expect(await readsRight(ring, 'origin-1')).toBe(true)
  })

  test('that no other source has is served to no client, and reported as lost', async () => {
    await using ring = await originRing(['origin-1'])
    await ring.start('origin-1', quick)
    await ring.put('origin-1', content)
    await isIntact(ring, 'origin-1')
    await flip(ring, 'origin-1')
    await ring.admin('origin-1', 'POST', '/scrub')
    expect((await foundAt(ring, 'origin-1')).findings).toEqual([expect.objectContaining({ outcome: 'lost' })])
    expect(await ring.read('origin-1', content.digest)).toBe(404)
    expect(await ring.metric('origin-1', 'shoal_scrub_blobs_total{outcome="lost"}')).toBe(1)
  })

  test.each([
    ['cut short', (path: string) => truncate(path, MIB)],
    ['removed', (path: string) => rm(path)],
  ])('or whose file was %s is brought again', async (_, harm) => {
    await using ring = await originRing(['origin-1'])
    await giveToBackend(ring, content)
    await ring.start('origin-1', quick)
    await ring.put('origin-1', content)
    await isIntact(ring, 'origin-1')
    await ring.stop('origin-1')
    await ring.start('origin-1', quick)
    await harm(dataOf(ring, 'origin-1', content.digest))
    const { body } = await ring.admin('origin-1', 'POST', `/blobs/${content.digest}/repair`)
    expect(body).toEqual({ verdict: 'repaired' })
    expect(await readsRight(ring, 'origin-1')).toBe(true)
  })
})

describe('the admin API of an origin', () => {
  test('evicts a blob that others have, and refuses to lose the last copy or a pinned one unless it is forced', async () => {
    await using ring = await originRing(['origin-1', 'origin-2'])
    ring.backend.break()
    for (const id of ['origin-1', 'origin-2']) await ring.start(id)
    await ring.put('origin-1', content)
    // A member that does not answer counts as having nothing.
    await ring.stop('origin-2')
    const evict = (query = '') => ring.admin('origin-1', 'DELETE', `/blobs/${content.digest}${query}`)
    expect(await evict()).toMatchObject({ status: 409, body: { error: { code: 'BLOB_LAST_COPY' } } })
    expect((await ring.admin('origin-1', 'PUT', `/blobs/${content.digest}/pin`)).status).toBe(204)
    expect(await evict()).toMatchObject({ status: 409, body: { error: { code: 'BLOB_HELD' } } })
    expect((await ring.admin('origin-1', 'DELETE', `/blobs/${content.digest}/pin`)).status).toBe(204)
    ring.backend.heal()
    await giveToBackend(ring, content)
    expect((await evict()).status).toBe(204)
    expect(await evict()).toMatchObject({ status: 404, body: { error: { code: 'BLOB_UNKNOWN' } } })
    await ring.put('origin-1', healthy)
    const forced = await ring.admin('origin-1', 'DELETE', `/blobs/${healthy.digest}?force=true`)
    expect(forced.status).toBe(204)
  })

  test('lists blobs page by page', async () => {
    await using ring = await originRing(['origin-1'])
    await ring.start('origin-1')
    const contents = Array.from({ length: 5 }, (_, i) => contentOf(cipherBytes(`page ${i}`, 10)))
    for (const each of contents) await ring.put('origin-1', each)
    const listed: Digest[] = []
    for (let next: string | undefined = ''; next !== undefined; ) {
      const { body } = await ring.admin('origin-1', 'GET', `/blobs?n=2&last=${next}`)
      const page = body as { blobs: { digest: Digest }[]; next?: string }
      expect(page.blobs.length).toBeLessThanOrEqual(2)
      listed.push(...page.blobs.map(({ digest }) => digest))
      next = page.next
    }
    expect(listed).toEqual(contents.map(({ digest }) => digest).sort())
    expect((await ring.admin('origin-1', 'GET', '/blobs?n=none')).status).toBe(400)
  })
})
