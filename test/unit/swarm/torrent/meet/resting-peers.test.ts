import { describe, expect, test } from '@jest/globals'
import { codeOf } from '../../../../../lib/base/index.ts'
import { swarmLimits } from '../../../../../lib/swarm/limits.ts'
import type { PeerConnection } from '../../../../../lib/swarm/peer/index.ts'
import { restingPeers } from '../../../../../lib/swarm/torrent/meet/resting-peers.ts'

/** A connection that records the code with which it was closed. */
function connection() {
  const closed: (string | undefined)[] = []
  return { closed, close: (err?: Error) => void closed.push(codeOf(err)) } as unknown as PeerConnection & {
    readonly closed: readonly string[]
  }
}

describe('connections that rest while their blob is being opened', () => {
  test('count until they are taken', () => {
    const count = { open: 7, links: 3, halfOpen: 0, leaving: 0 }
    const resting = restingPeers(swarmLimits, count)
    const two = [connection(), connection()]
    for (const each of two) resting.rest(each)
    expect(count.open).toBe(9)
    expect(resting.awake()).toEqual(two)
    expect(count.open).toBe(7)
    expect(resting.awake()).toEqual([])
  })

  test('are 32 for one blob', () => {
    const resting = restingPeers(swarmLimits, { open: 0, links: 0, halfOpen: 0, leaving: 0 })
    const many = Array.from({ length: 33 }, connection)
    for (const each of many) resting.rest(each)
    expect(many.flatMap(({ closed }) => closed)).toEqual(['PEER_LIMIT'])
    expect(resting.awake()).toHaveLength(32)
  })

  test('are no more than 4,096 with all others of the node', () => {
    const count = { open: 4_095, links: 9, halfOpen: 0, leaving: 0 }
    const resting = restingPeers(swarmLimits, count)
    const [last, extra] = [connection(), connection()]
    resting.rest(last)
    resting.rest(extra)
    expect([last.closed, extra.closed]).toEqual([[], ['PEER_LIMIT']])
    expect(count.open).toBe(4_096)
  })
})
