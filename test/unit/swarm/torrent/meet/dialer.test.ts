import { describe, expect, test } from '@jest/globals'
import {
  appError,
  background,
  type Deferred,
  deferred,
  fakeClock,
  seededRandom,
} from '../../../../../lib/base/index.ts'
import { newPeerId, type PeerInfo } from '../../../../../lib/core/index.ts'
import { swarmLimits } from '../../../../../lib/swarm/limits.ts'
import type { PeerConnection } from '../../../../../lib/swarm/peer/index.ts'
import { type ConnectionCount, Dialer } from '../../../../../lib/swarm/torrent/meet/dialer.ts'

const random = seededRandom(5)
const peers: readonly PeerInfo[] = Array.from({ length: 40 }, (_, at) => ({
  peerId: newPeerId(random),
  host: '10.0.0.1',
  port: 1000 + at,
  role: 'agent',
  complete: true,
}))

/** A dialer of one torrent; the test ends its attempts. `connections` may be shared with another dialer. */
function dialing(
  connections: ConnectionCount,
  limits = {},
  { offered = peers, reached = [] as readonly number[] } = {},
) {
  const clock = fakeClock()
  const attempts = new Map<number, Deferred<PeerConnection>>()
  const dialed: number[] = []
  let size = 0
  const tasks = background(() => undefined)
  const dialer: Dialer = new Dialer(
    { clock, random, limits: { ...swarmLimits, ...limits }, connections },
    {
      tasks,
      dial({ port }, signal) {
        const attempt = deferred<PeerConnection>()
        signal.addEventListener('abort', () => attempt.reject(signal.reason))
        attempts.set(port, attempt)
        dialed.push(port)
        return attempt.promise
      },
      avoids: () => false,
      reaches: ({ port }) => reached.includes(port),
      size: () => size,
      onConnection: () => {
        size += 1
        connections.links += 1
      },
      onSettled: () => dialer.fill(),
    },
  )
  dialer.offer(offered)
  dialer.fill()
  return {
    clock,
    dialer,
    dialed: () => dialed,
    isDialling: (port: number) => attempts.has(port),
    /** A connection is over. */
    leave() {
      size -= 1
    },
    async succeed(port: number) {
      attempts.get(port)?.resolve({} as PeerConnection)
      attempts.delete(port)
      await clock.advance(0)
    },
    /** Nobody listens at any of the addresses. */
    async refuse() {
      for (const attempt of attempts.values()) attempt.reject(appError('PEER_CLOSED'))
      attempts.clear()
      await clock.advance(0)
    },
    [Symbol.asyncDispose]: () => tasks.stop(),
  }
}

const ports = (count: number) => peers.slice(0, count).map(({ port }) => port)
const nobody = (): ConnectionCount => ({ open: 0, links: 0, halfOpen: 0, leaving: 0 })

describe('a dialer', () => {
  test('tries 16 at one time, best first, and the next one when one of them has ended', async () => {
    await using it = dialing(nobody())
    expect(it.dialed()).toEqual(ports(16))
    await it.succeed(1003)
    expect(it.dialed()).toEqual(ports(17))
  })

  test('shares the attempts under way with all other torrents', async () => {
    const connections = nobody()
    await using first = dialing(connections, { maxConnectionsPerTorrentSoft: 10 })
    await using second = dialing(connections)
    expect([first.dialed().length, second.dialed().length]).toEqual([10, 6])
  })

  test('gives an attempt up after three seconds', async () => {
    const connections = nobody()
    await using it = dialing(connections, { maxHalfOpen: 2 })
    await it.clock.advance(swarmLimits.dialTimeoutMs)
    expect(it.dialed()).toEqual(ports(4))
    expect(connections.halfOpen).toBe(2)
  })

  test('stops at 24 connections of its torrent', async () => {
    await using it = dialing(nobody())
    for (const port of ports(24)) await it.succeed(port)
    expect(it.dialed()).toEqual(ports(24))
  })

  test('stops at 512 connections of all torrents, attempts among them', async () => {
    await using it = dialing({ open: 0, links: 505, halfOpen: 3, leaving: 0 })
    expect(it.dialed()).toEqual(ports(4))
  })

  test('counts no attempt that goes over a link, and makes it when the node may have no more links', async () => {
    const connections = { open: 0, links: 512, halfOpen: 16, leaving: 0 }
    await using it = dialing(connections, {}, { reached: [1004, 1007] })
    expect([it.dialed(), connections.halfOpen]).toEqual([[1004, 1007], 16])
    await it.clock.advance(swarmLimits.dialTimeoutMs)
    expect(connections.halfOpen).toBe(16)
  })

  test('expects peers as long as there is one that it could not dial yet, and none when all have failed', async () => {
    const connections = { open: 0, links: 0, halfOpen: 40, leaving: 0 }
    await using it = dialing(connections, { maxHalfOpen: 40, maxConnectionsPerTorrentSoft: 100 })
    expect([it.dialed().length, it.dialer.prospect(true)]).toEqual([0, 'waiting'])
    connections.halfOpen = 0
    it.dialer.fill()
    expect([it.dialed().length, it.dialer.prospect(true)]).toEqual([40, 'some'])
    connections.halfOpen += 40
    await it.refuse()
    expect([it.dialer.prospect(false), it.dialer.prospect(true)]).toEqual(['some', 'none'])
  })

  test('still expects a peer that did not answer in time: on a busy machine it may be there', async () => {
    await using it = dialing(nobody(), {}, { offered: peers.slice(0, 1) })
    await it.clock.advance(swarmLimits.dialTimeoutMs)
    expect(it.dialer.prospect(true)).toBe('waiting')
  })

  test('dials a full peer less and less often, and does not take it for one that gives nothing', async () => {
    const full = peers[0]!
    await using it = dialing(nobody(), {}, { offered: [full] })
    const atMs: number[] = []
    const hangUp = async () => {
      await it.succeed(1000)
      atMs.push(it.clock.monotonicMs())
      it.leave()
      it.dialer.lost(full.peerId, false)
      expect(it.dialer.prospect(true)).toBe('waiting')
    }
    await hangUp()
    for (let step = 0; step < 1_200; step += 1) {
      await it.clock.advance(100)
      it.dialer.fill()
      if (it.isDialling(1000)) await hangUp()
    }
    expect(atMs.length).toBeLessThanOrEqual(12)
    expect(atMs.length).toBeGreaterThanOrEqual(5)
    // One that is of use begins anew.
    it.dialer.lost(full.peerId, true)
    expect(it.dialer.prospect(true)).toBe('none')
    await it.clock.advance(1_000)
    expect(it.dialer.prospect(true)).toBe('waiting')
  })
})
