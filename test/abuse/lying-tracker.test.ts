import { describe, expect, test } from '@jest/globals'
import { parseRepository } from '../../lib/core/index.ts'
import type { MetainfoRecord } from '../../lib/metainfo/index.ts'
import { type SwarmBlob, swarmBlob } from '../kit/swarm-blob.ts'
import { type LabNode, putBlob, putPieces, type SwarmLab, swarmLab } from '../kit/swarm-lab.ts'

const MIB = 1024 * 1024
const blob = swarmBlob(1, 3 * MIB)
const garbage: SwarmBlob = { ...swarmBlob(2, 3 * MIB), digest: blob.digest, header: blob.header }

/** Sets the metainfo that the tracker relays; the origins themselves tell the truth. */
function relays(lab: SwarmLab, records: readonly MetainfoRecord[]): void {
  lab.sources.answerMetainfo((_, direct) => (direct ? undefined : records))
}

const wrongHashes: readonly MetainfoRecord[] = [{ kind: 'header', header: blob.header }, ...garbage.records.slice(1)]

/** An agent that serves these bytes as the blob. */
async function seeder(lab: SwarmLab, bytes: SwarmBlob): Promise<LabNode> {
  const node = await lab.agent()
  await putBlob(node.store, bytes)
  node.engine.seed({ digest: blob.digest, repository: parseRepository('lab') }, blob.bytes.length)
  await lab.clock.advance(50)
  return node
}

const badPiecesOf = (node: LabNode) => node.metrics.value('shoal_swarm_bad_pieces_total')

const liar = (lab: SwarmLab) => seeder(lab, garbage)

/** The result of a pull. */
async function outcome(lab: SwarmLab, agent: LabNode): Promise<string> {
  try {
    const bytes = await lab.run(agent.pull(blob))
    return Buffer.compare(bytes, blob.bytes) === 0 ? 'right' : 'wrong bytes'
  } catch (err) {
    return (err as { code: string }).code
  } finally {
    await lab.clock.advance(200)
  }
}

describe('pieces that an earlier run kept for hashes that were a lie', () => {
  test.each(['whole', 'pieces'] as const)(
    'are found by the hashes of this run: nothing wrong is kept, or blamed on the digest (verify: %s)',
    async (verify) => {
      await using lab = swarmLab([blob])
      await lab.origin()
      const agent = await lab.agent({ verify })
      await putPieces(agent.store, garbage, 2)
      expect(await outcome(lab, agent)).toBe('METAINFO_DOUBTED')
      expect(await agent.store.stat(blob.digest)).toBeUndefined()
      expect(await outcome(lab, agent)).toBe('right')
      expect(agent.metrics.value('shoal_swarm_bans_total')).toBe(0)
    },
  )

  test('do not become the blob when its right bytes come inside the header', async () => {
    const small = swarmBlob(3, 100)
    await using lab = swarmLab([small])
    const agent = await lab.agent()
    await putPieces(agent.store, { ...swarmBlob(4, 100), digest: small.digest }, 1)
    await lab.run(agent.pull(small))
    await lab.clock.advance(200)
    expect(Buffer.from(await agent.store.readAt(small.digest, { start: 0, end: 100 }))).toEqual(
      Buffer.from(small.bytes),
    )
  })
})

describe('a tracker that lies', () => {
  test('about the hashes, with a peer that has the bytes for them: nothing wrong is given out whole or kept', async () => {
    await using lab = swarmLab([blob])
    await liar(lab)
    relays(lab, wrongHashes)
    const agent = await lab.agent()
    expect(await outcome(lab, agent)).toBe('METAINFO_DOUBTED')
    expect(await agent.store.stat(blob.digest)).toBeUndefined()
    expect(await agent.store.partials()).toEqual([])
    expect(agent.metrics.value('shoal_swarm_bans_total')).toBe(0)
    // The next try asks an origin, while the tracker still lies.
    expect(await outcome(lab, agent)).toBe('right')
    expect(await agent.store.stat(blob.digest)).toBeDefined()
  })

  test('about the hashes, with a peer that has the bytes for them and an honest one: that one is not banned', async () => {
    await using lab = swarmLab([blob])
    lab.sources.failPieces('SOURCES_EXHAUSTED')
    await seeder(lab, blob)
    await seeder(lab, garbage)
    relays(lab, wrongHashes)
    const agent = await lab.agent()
    expect(await outcome(lab, agent)).toBe('METAINFO_DOUBTED')
    expect(badPiecesOf(agent)).toBeGreaterThan(0)
    expect(agent.metrics.value('shoal_swarm_bans_total')).toBe(0)
  })

  test('about the hashes, with honest origins: they are not banned, and the next try is right', async () => {
    await using lab = swarmLab([blob])
    await lab.origin()
    await lab.origin()
    relays(lab, wrongHashes)
    const agent = await lab.agent()
    expect(await outcome(lab, agent)).toBe('METAINFO_DOUBTED')
    expect(await outcome(lab, agent)).toBe('right')
    expect(agent.metrics.value('shoal_swarm_bans_total')).toBe(0)
  })

  test('about one hash: two peers with the wrong bytes for it are banned, as an origin confirms the hash', async () => {
    await using lab = swarmLab([blob])
    lab.sources.failPieces('SOURCES_EXHAUSTED')
    await liar(lab)
    await liar(lab)
    await lab.origin()
    const agent = await lab.agent()
    expect(await outcome(lab, agent)).toBe('right')
    expect(agent.metrics.value('shoal_swarm_bans_total')).toBe(2)
  })

  test('not, but two peers do so alike while no origin answers: an honest peer completes the pull', async () => {
    await using lab = swarmLab([blob])
    lab.sources.failPieces('SOURCES_EXHAUSTED')
    await liar(lab)
    await liar(lab)
    await seeder(lab, blob)
    lab.sources.answerMetainfo((_, direct) => (direct ? [] : blob.records))
    const agent = await lab.agent()
    expect(await outcome(lab, agent)).toBe('right')
    expect(badPiecesOf(agent)).toBeGreaterThan(1)
    expect(agent.metrics.value('shoal_swarm_bans_total')).toBe(2)
  })

  test('that the blob has failed is not believed when no origin says so', async () => {
    await using lab = swarmLab([blob])
    await lab.origin()
    relays(lab, [
      { kind: 'header', header: blob.header },
      { kind: 'failed', code: 'DIGEST_INVALID' },
    ])
    const agent = await lab.agent()
    expect(await outcome(lab, agent)).toBe('METAINFO_DOUBTED')
    expect(await outcome(lab, agent)).toBe('right')
  })

  test('is not asked again for a blob that is complete: its digest was checked', async () => {
    await using lab = swarmLab([blob])
    await lab.origin()
    const agent = await lab.agent()
    expect(await outcome(lab, agent)).toBe('right')
    relays(lab, wrongHashes)
    const opened = lab.sources.metainfoOpened
    expect(await outcome(lab, agent)).toBe('right')
    expect(lab.sources.metainfoOpened).toBe(opened)
  })
})
