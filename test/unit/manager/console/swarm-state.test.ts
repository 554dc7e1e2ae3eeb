import { describe, expect, test } from '@jest/globals'
import type { WholeSwarm as SentSwarm } from '../../../../lib/api/index.ts'
import {
  peersOf,
  shareOf,
  swarmState,
  withDelta,
  zonesOf,
} from '../../../../services/manager/console/src/pure/swarm-state.ts'
import type {
  Feed,
  Peer,
  SwarmDelta,
  SwarmRow,
  WholeSwarm,
} from '../../../../services/manager/console/src/state/views.ts'
import { swarmLayout } from '../../../../services/manager/console/src/swarm/layout.ts'
import { swarmDelta as sentDelta } from '../../../../services/manager/views/swarm-delta.ts'

/** What the manager sends, as the console reads it. */
const swarmDelta = (before: WholeSwarm, now: WholeSwarm) =>
  sentDelta(before as SentSwarm, now as SentSwarm) as SwarmDelta | undefined

const row: SwarmRow = {
  ...{ cluster: 'east', swarmId: 'a'.repeat(40), repositories: [], state: 'downloading' },
  ...{ downloads: 1, seeds: 1, origins: 1 },
}
const peer = (peerId: string, init: Partial<Peer> = {}): Peer => ({
  ...{ peerId, host: '10.0.0.1', port: 1, role: 'agent', zone: 'a', complete: false, leftBytes: 100 },
  ...init,
})
const feed = (from: string, to: string, bytesPerSecond = 10): Feed => ({
  from,
  to,
  bytes: 5,
  bytesPerSecond,
  failures: 0,
})
const origin = peer('o', { role: 'origin', complete: true, leftBytes: 0, zone: 'b' })

const before: WholeSwarm = {
  ...{ swarm: row, cut: false },
  peers: [origin, peer('p'), peer('q')],
  feeds: [feed('o', 'p'), feed('p', 'q')],
}
const after: WholeSwarm = {
  ...{ swarm: { ...row, seeds: 2 }, cut: false },
  peers: [origin, peer('p', { complete: true, leftBytes: 0 }), peer('r', { zone: 'c' })],
  feeds: [feed('o', 'p', 0), feed('p', 'r')],
}

describe('a swarm that is followed', () => {
  test('is after each delta what a look at the whole of it shows', () => {
    const delta = swarmDelta(before, after)
    if (delta === undefined) throw new Error('nothing has changed')
    const followed = withDelta(swarmState(before), delta)
    const seen = swarmState(after, swarmState(before))
    expect({ ...followed, peers: [...followed.peers].toSorted(), feeds: [...followed.feeds].toSorted() }).toEqual({
      ...seen,
      peers: [...seen.peers].toSorted(),
      feeds: [...seen.feeds].toSorted(),
    })
  })

  test('has no delta while nothing changes', () => {
    expect(swarmDelta(before, structuredClone(before))).toBeUndefined()
  })

  test('tells only what has changed', () => {
    expect(swarmDelta(before, { ...before, peers: [...before.peers, peer('r')] })).toMatchObject({
      ...{ peers: [{ peerId: 'r' }], gone: [], feeds: [], ended: [] },
    })
  })

  test('knows the share of a peer from the most that any has lacked', () => {
    const state = withDelta(swarmState(before), {
      ...before,
      peers: [peer('p', { leftBytes: 25 })],
      gone: [],
      ended: [],
    })
    expect(shareOf(peer('p', { leftBytes: 25 }), state)).toBe(0.75)
    expect(shareOf(origin, state)).toBe(1)
    expect(shareOf({ ...peer('p'), leftBytes: undefined } as unknown as Peer, state)).toBeUndefined()
  })

  test('is summed up by zone and by peer', () => {
    const state = swarmState(before)
    expect(zonesOf(state)).toEqual([
      { zone: 'a', peers: 2, whole: 0, inPerSecond: 20, outPerSecond: 10, fromElsewhere: 10 },
      { zone: 'b', peers: 1, whole: 1, inPerSecond: 0, outPerSecond: 10, fromElsewhere: 0 },
    ])
    expect(peersOf(state)[0]).toMatchObject({ peer: { peerId: 'p' }, inPerSecond: 10, outPerSecond: 10 })
  })
})

describe('the picture of a swarm', () => {
  const many = Array.from({ length: 1000 }, (_, i) => peer(`peer-${i}`, { zone: `zone-${i % 12}` }))

  test('has each zone in a circle of its own, and comes to rest', () => {
    const layout = swarmLayout()
    layout.update(many, [feed('peer-1', 'peer-2')])
    let steps = 0
    while (layout.tick()) steps += 1
    expect(steps).toBeLessThan(100)
    for (const [i, a] of layout.rings.entries())
      for (const b of layout.rings.slice(i + 1))
        expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeGreaterThan(a.radius + b.radius)
    const rings = new Map(layout.rings.map((ring) => [ring.zone, ring]))
    for (const dot of layout.dots.values()) {
      const ring = rings.get(dot.peer.zone ?? '')
      expect(Math.hypot(dot.x - (ring?.x ?? 0), dot.y - (ring?.y ?? 0))).toBeLessThan((ring?.radius ?? 0) + 20)
    }
  })

  test('keeps nodes where they are while the same ones are there', () => {
    const layout = swarmLayout()
    layout.update(many.slice(0, 50), [])
    while (layout.tick());
    const places = [...layout.dots.values()].map(({ x, y }) => [x, y])
    layout.update(
      many.slice(0, 50).map((each) => ({ ...each, leftBytes: 1 })),
      [],
    )
    expect(layout.tick()).toBe(false)
    expect([...layout.dots.values()].map(({ x, y }) => [x, y])).toEqual(places)
    layout.update(many.slice(0, 51), [])
    // Whoever comes moves nobody at once.
    expect([...layout.dots.values()].slice(0, 50).map(({ x, y }) => [x, y])).toEqual(places)
  })
})
