import { describe, expect, test } from '@jest/globals'
import { appError } from '../../../lib/base/index.ts'
import { parseRepository } from '../../../lib/core/index.ts'
import { hashPiece } from '../../../lib/metainfo/index.ts'
import { chunksOf } from '../../kit/store-fixture.ts'
import { swarmBlob } from '../../kit/swarm-blob.ts'
import { readAll, type SwarmLab, swarmLab } from '../../kit/swarm-lab.ts'

const blob = swarmBlob(1, 4_000_000)
const ref = { digest: blob.digest, repository: parseRepository('lab') }
const { count } = blob.map
const half = Math.floor(count / 2)

/** An origin to which the blob comes, and an agent that can have it from no other. */
async function withOrigin(lab: SwarmLab) {
  lab.sources.failPieces('SOURCES_EXHAUSTED')
  const origin = await lab.agent({ role: 'origin' })
  const partial = await origin.store.openPartial(blob.digest, blob.map)
  const seed = origin.engine.arriving(ref, partial)
  const bring = async (from: number, to: number) => {
    for (let piece = from; piece < to; piece += 1) {
      const { start, end } = blob.map.rangeOf(piece)
      const bytes = blob.bytes.subarray(start, end)
      await partial.write(piece, bytes, hashPiece(bytes))
      seed.arrived(piece)
    }
  }
  await lab.clock.advance(50)
  return { origin, partial, seed, bring, agent: await lab.agent() }
}

const told = (lab: SwarmLab) => lab.tracker.entries.map(({ event, leftBytes }) => `${event} ${leftBytes > 0}`)

describe('a blob that comes to an origin by other ways than the swarm', () => {
  test('is given to a peer as its pieces come, and announced as whole when it is', async () => {
    await using lab = swarmLab([blob])
    const { bring, seed, partial, agent } = await withOrigin(lab)
    expect(told(lab)).toEqual(['started true'])
    const handle = await lab.run(agent.engine.open(ref))
    const first = readAll(handle.read({ start: 0, end: half * blob.map.pieceLength }))
    const whole = readAll(handle.read())
    await bring(0, half)
    const bytes = await lab.run(first)
    expect(Buffer.compare(bytes, blob.bytes.subarray(0, half * blob.map.pieceLength))).toBe(0)
    expect(told(lab)).not.toContain('completed false')
    await bring(half, count)
    await partial.complete()
    seed.whole()
    expect(Buffer.compare(await lab.run(whole), blob.bytes)).toBe(0)
    handle.close()
    await lab.clock.advance(50)
    expect(agent.received).toEqual({ peer: 0, origin: blob.bytes.length })
    expect(told(lab).filter((each) => each === 'completed false')).toHaveLength(2)
  })

  test('and does not become whole is announced no more, and given to nobody', async () => {
    await using lab = swarmLab([blob])
    const { origin, bring, seed, partial, agent } = await withOrigin(lab)
    await bring(0, half)
    seed.failed()
    await partial.discard(appError('BACKEND_CORRUPT'))
    await lab.clock.advance(50)
    expect(told(lab)).toEqual(['started true', 'stopped true'])
    expect(origin.engine.snapshot()).toEqual([])
    lab.sources.failPieces(undefined)
    expect(Buffer.compare(await lab.run(agent.pull(blob)), blob.bytes)).toBe(0)
    expect(origin.sentToPeers).toBe(0)
  })

  test('and becomes whole in yet another way is given from the store, whatever becomes of what came', async () => {
    await using lab = swarmLab([blob])
    const { origin, bring, seed, partial, agent } = await withOrigin(lab)
    await bring(0, half)
    const upload = await origin.store.createUpload()
    await upload.append(chunksOf(blob.bytes), { offset: 0 })
    await upload.commit(blob.digest)
    origin.engine.seed(ref, blob.bytes.length)
    seed.failed()
    await partial.discard(appError('BACKEND_UNAVAILABLE'))
    expect(Buffer.compare(await lab.run(agent.pull(blob)), blob.bytes)).toBe(0)
    expect(origin.sentToPeers).toBe(blob.bytes.length)
  })
})
