import { describe, expect, test } from '@jest/globals'
import { appError, background, fakeClock, seededRandom, tokenBucket } from '../../../../../lib/base/index.ts'
import { newPeerId, type PeerInfo, PieceMap, parseRepository } from '../../../../../lib/core/index.ts'
import type { HttpAdmission } from '../../../../../lib/swarm/index.ts'
import { httpRung } from '../../../../../lib/swarm/torrent/fetch/http-rung.ts'
import type { PieceJob } from '../../../../../lib/swarm/torrent/fetch/piece-job.ts'
import type { PieceRuns } from '../../../../../lib/swarm/torrent/fetch/piece-runs.ts'
import { askedNames } from '../../../../../lib/swarm/torrent/shared/asked-names.ts'
import { swarmBlob } from '../../../../kit/swarm-blob.ts'

const PIECE = 1024
const random = seededRandom(3)
const holder: PeerInfo = { peerId: newPeerId(random), host: '10.0.0.9', port: 9, role: 'agent', complete: false }

/** A rung that wants four pieces, from origins that admit the first `given` of each request. */
function rungAt(given: () => number, retryAfterMs = 2_000) {
  const clock = fakeClock()
  const asked: number[] = []
  const filled: number[] = []
  const named: PeerInfo[] = []
  const tasks = background((_, err) => {
    throw err
  })
  const jobs = () => [0, 1, 2, 3].map((piece) => ({ piece, held: false, memory: new Uint8Array(PIECE) }))
  let started = false
  const runs = {
    start: () => {
      if (started) return []
      started = true
      return jobs() as unknown as PieceJob[]
    },
    write: () => undefined,
    fill: (job: PieceJob) => filled.push(job.piece),
    abandon: () => {
      started = false
    },
  }
  const rung = httpRung(
    {
      ...{ clock, random, background: tasks, downloads: tokenBucket(clock, { ratePerSecond: undefined, burst: 1 }) },
      pieces: {
        async *read(_, { start, end }) {
          const pieces = (end - start) / PIECE
          asked.push(pieces)
          const detail: HttpAdmission = { pieces: given(), retryAfterMs, peers: [holder] }
          if (detail.pieces < pieces) throw appError('ORIGIN_BUSY', { detail: { ...detail } })
          yield new Uint8Array(end - start)
        },
      },
    },
    {
      names: askedNames({ digest: swarmBlob(1, PIECE).digest, repository: parseRepository('lab') }),
      map: new PieceMap(4 * PIECE, PIECE),
      pullClass: () => 'normal',
      runs: runs as unknown as PieceRuns,
      onFailed: () => undefined,
      onNamed: (peers) => named.push(...peers),
      onDone: () => undefined,
    },
  )
  return { clock, rung, asked, filled, named, stop: () => tasks.stop() }
}

describe('the HTTP rung', () => {
  test('asks once more for the part that a busy origin gives', async () => {
    const it = rungAt(() => 2)
    it.rung.climb(0)
    await it.clock.advance(1)
    expect([it.asked, it.filled]).toEqual([
      [4, 2],
      [0, 1],
    ])
    await it.stop()
  })

  test('names who has the pieces, and asks again when the origin said', async () => {
    let given = 0
    const it = rungAt(() => given)
    it.rung.climb(0)
    await it.clock.advance(1)
    expect(it.named).toEqual([holder])
    given = 4
    it.rung.climb(1_999)
    expect(it.asked).toEqual([4])
    it.rung.climb(2_000)
    await it.clock.advance(1)
    expect([it.asked, it.filled]).toEqual([
      [4, 4],
      [0, 1, 2, 3],
    ])
    await it.stop()
  })
})
