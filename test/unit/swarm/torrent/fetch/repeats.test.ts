import { describe, expect, jest, test } from '@jest/globals'
import { seededRandom } from '../../../../../lib/base/index.ts'
import { swarmLimits } from '../../../../../lib/swarm/limits.ts'
import { PieceJobs } from '../../../../../lib/swarm/torrent/fetch/piece-jobs.ts'
import { type DownloadLab, downloadLab } from '../../../../kit/download-lab.ts'
import type { ScriptedPeer } from '../../../../kit/scripted-peer.ts'
import { swarmBlob } from '../../../../kit/swarm-blob.ts'

const MIB = 1024 * 1024
const blob = swarmBlob(3, 32 * MIB, MIB)
const REPEATS = 'shoal_swarm_repeats_total'
const setUp = () => downloadLab(blob, seededRandom(1))
const piecesOf = ({ open }: ScriptedPeer) => [...new Set(open.map(({ block }) => block.piece))]

/** The peer answers what it was asked, and is asked for more, until it has given so many blocks. */
async function giveBlocks(lab: DownloadLab, peer: ScriptedPeer, blocks: number): Promise<void> {
  for (let given = 0; given < blocks; given += 1) {
    lab.give(peer.open[0])
    await lab.pass(10)
  }
}

describe('a block that the reader waits for, and that takes longer than usual', () => {
  test('is asked of a second peer before it counts as lost; who is later is told to stop', async () => {
    const lab = setUp()
    const stalled = lab.join('a')
    expect(piecesOf(stalled)).toEqual([0])
    const other = lab.join('b')
    await giveBlocks(lab, other, 20)
    expect([lab.value(REPEATS, 'reader'), stalled.open.length]).toEqual([0, 4])
    await lab.pass(250)
    // What it was asked before is not withdrawn for it.
    for (const request of [...other.open]) lab.give(request)
    await lab.pass(10)
    expect([piecesOf(other).includes(0), lab.value(REPEATS, 'reader')]).toEqual([true, 4])
    for (const request of [...other.open]) lab.give(request)
    await lab.pass(10)
    expect(lab.read.length).toBeGreaterThan(1)
    expect(stalled.requests.slice(0, 4).every(({ cancelled }) => cancelled)).toBe(true)
    expect(['repeat', 'late'].map((why) => lab.value('shoal_swarm_wasted_bytes_total', why))).toEqual([0, 0])
  })

  test.each([
    [0, 4],
    [1, 0],
  ])(
    'counts against a peer that has given nothing yet, and not against one that has: %d blocks',
    async (gave, failures) => {
      const lab = setUp()
      const stalled = lab.join('a')
      await giveBlocks(lab, stalled, gave)
      const other = lab.join('b')
      await giveBlocks(lab, other, 20)
      await lab.pass(swarmLimits.minRequestTimeoutMs - 100)
      for (let round = 0; round < 2; round += 1) {
        for (const request of [...other.open]) lab.give(request)
        await lab.pass(10)
      }
      expect(stalled.requests.filter(({ cancelled }) => cancelled).length).toBeGreaterThanOrEqual(3)
      expect(lab.conducts.take('a').failures).toBe(failures)
    },
  )

  test('is asked of an origin only much later, while an agent that can be relied on has it', async () => {
    const lab = setUp()
    lab.join('a')
    const busy = lab.join('b')
    const origin = lab.join('o', { role: 'origin' })
    expect(busy.open).toHaveLength(4)
    await lab.pass(1_000)
    expect(origin.open).toHaveLength(0)
    await lab.pass(900)
    expect(origin.open).toHaveLength(0)
    await lab.pass(100)
    expect(piecesOf(origin)).toEqual([0])
  })

  test('is asked of an origin at once when no other agent has it', async () => {
    const lab = setUp()
    lab.join('a')
    lab.join('b', { has: [7, 8, 9] })
    const origin = lab.join('o', { role: 'origin' })
    await lab.pass(1_000)
    expect(piecesOf(origin)).toContain(0)
  })
})

test('no more is asked for twice than is free and a part of what has come, however often the second peer leaves', async () => {
  const lab = downloadLab(swarmBlob(4, 4 * MIB, MIB), seededRandom(1))
  for (const name of ['a', 'b', 'c', 'd']) lab.join(name)
  for (const name of ['e', 'f', 'g', 'h', 'i']) {
    lab.join(name)
    await lab.pass(1_000)
    lab.download.removePeer(name)
  }
  expect(lab.value(REPEATS, 'reader') + lab.value(REPEATS, 'end')).toBe(8)
})

test('origins that are busy do not use up what may be asked for twice', async () => {
  const lab = setUp()
  lab.join('a')
  const origin = lab.join('o', { role: 'origin' })
  for (let round = 0; round < 40; round += 1) {
    await lab.pass(100)
    for (const request of [...origin.open]) {
      lab.download.peerDenies('o', { piece: request.block.piece, retryMs: 500 })
      request.reject('PEER_REJECTED')
    }
  }
  expect(lab.value(REPEATS, 'reader')).toBeGreaterThan(8)
  await lab.pass(10)
  const agent = lab.join('b')
  expect(piecesOf(agent)).toContain(0)
})

test('what the second peer gives in part and then rejects counts all the same', async () => {
  const lab = downloadLab(swarmBlob(4, 4 * MIB, MIB), seededRandom(1))
  for (const name of ['a', 'b', 'c', 'd']) lab.join(name)
  const stock = lab.join('stock', { blockLength: 16 * 1024 })
  for (let round = 0; round < 200; round += 1) {
    for (const request of [...stock.open]) request.reject('PEER_REJECTED')
    await lab.pass(20)
  }
  expect(lab.value(REPEATS, 'reader') + lab.value(REPEATS, 'end')).toBe(8)
})

test('a standstill of the node itself does not count as time that a piece takes', async () => {
  const lab = setUp()
  const peer = lab.join('a')
  await giveBlocks(lab, peer, 8)
  const usualMs = lab.download.pace.pieceMs ?? 0
  lab.clock.stall(60_000)
  await lab.pass(10)
  await giveBlocks(lab, peer, 40)
  expect(lab.download.pace.pieceMs).toBeLessThan(10 * usualMs)
})

test('what is asked for twice is summed up once for each peer that is looked at, not for each piece under way', async () => {
  const sum = jest.spyOn(PieceJobs.prototype, 'repeatedBytes', 'get')
  try {
    const lab = setUp()
    for (let at = 0; at < blob.map.count; at += 1) lab.join(`peer-${at}`)
    sum.mockClear()
    lab.join('late')
    expect(sum.mock.calls.length).toBeLessThanOrEqual(2)
  } finally {
    sum.mockRestore()
  }
})
