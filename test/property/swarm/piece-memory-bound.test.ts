import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { PieceMap } from '../../../lib/core/index.ts'
import type { PieceJob } from '../../../lib/swarm/torrent/fetch/piece-job.ts'
import { PieceJobs } from '../../../lib/swarm/torrent/fetch/piece-jobs.ts'
import { type PiecePool, piecePool } from '../../../lib/swarm/torrent/shared/piece-pool.ts'

const MIB = 1024 * 1024
const POOL_PIECES = 4
const TORRENTS = 30

/** A torrent that always wants another piece, and holds what it has for as long as the script says. */
class Greedy {
  readonly jobs: PieceJobs
  readonly held: PieceJob[] = []
  started = 0

  constructor(buffers: PiecePool) {
    const map = new PieceMap(100 * MIB, MIB)
    this.jobs = new PieceJobs({ map, blockLength: MIB, buffers, onRoom: () => this.pump(), onMoved: () => undefined })
  }

  pump(): void {
    while (this.jobs.claimRoom()) {
      this.held.push(this.jobs.start(this.started, { owner: 'a', whole: false, nowMs: 0 }))
      this.started += 1
    }
  }
}

test('any number of torrents stays within the memory for pieces, and each gets its turn', async () => {
  const steps = fc.array(fc.nat({ max: TORRENTS - 1 }), { minLength: 400, maxLength: 400 })
  const run = async (script: readonly number[]) => {
    const buffers = piecePool({ maxBytes: POOL_PIECES * MIB, spare: () => false })
    const torrents = Array.from({ length: TORRENTS }, () => new Greedy(buffers))
    for (const torrent of torrents) torrent.pump()
    for (const step of script) {
      const holding = torrents.filter(({ held }) => held.length > 0)
      const done = holding[step % holding.length]
      for (const job of done?.held.splice(0, 1) ?? []) done?.jobs.drop(job)
      done?.pump()
      await Promise.resolve()
      expect(buffers.usedBytes).toBeLessThanOrEqual(POOL_PIECES * MIB)
    }
    expect(Math.min(...torrents.map(({ started }) => started))).toBeGreaterThan(0)
  }
  await fc.assert(fc.asyncProperty(steps, run), { numRuns: 20 })
})
