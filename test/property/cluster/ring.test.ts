import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { seededRandom, shuffled } from '../../../lib/base/index.ts'
import { clusterOf, someMembers } from '../../kit/cluster.ts'

const keys = Array.from({ length: 2000 }, (_, i) => `sha256:${i.toString(16).padStart(64, '0')}`)
const memberIds = fc.uniqueArray(fc.stringMatching(/^[a-z0-9][a-z0-9.:-]{0,20}$/), { minLength: 1, maxLength: 12 })
const membersOf = (ids: readonly string[]) => ids.map((id) => ({ id, url: `http://${id}` }))

describe('the ring', () => {
  test('owners are distinct members, as many as the replicas or all there are', () => {
    fc.assert(
      fc.property(memberIds, fc.integer({ min: 1, max: 5 }), fc.string(), (ids, replicas, key) => {
        const owners = clusterOf(membersOf(ids), { replicas })
          .owners(key)
          .map(({ id }) => id)
        expect(owners).toHaveLength(Math.min(replicas, ids.length))
        expect(new Set(owners).size).toBe(owners.length)
        expect(ids).toEqual(expect.arrayContaining(owners))
      }),
      { seed: 1, numRuns: 50 },
    )
  })

  test('does not depend on the order in which the config lists the members', () => {
    fc.assert(
      fc.property(memberIds, fc.string(), fc.integer(), (ids, key, seed) => {
        const one = clusterOf(membersOf(ids)).candidates(key)
        const other = clusterOf(membersOf(shuffled(ids, seededRandom(seed)))).candidates(key)
        expect(other).toEqual(one)
      }),
      { seed: 2, numRuns: 50 },
    )
  })

  test('health never changes the owners, nor who is a candidate', () => {
    fc.assert(
      fc.property(memberIds, fc.string(), fc.array(fc.nat(11), { maxLength: 60 }), (ids, key, failing) => {
        const cluster = clusterOf(membersOf(ids))
        const before = cluster.owners(key)
        const all = new Set(cluster.candidates(key))
        for (const i of failing) cluster.report(ids[i % ids.length] as string, 'failed')
        expect(cluster.owners(key)).toEqual(before)
        expect(new Set(cluster.candidates(key))).toEqual(all)
      }),
      { seed: 3, numRuns: 50 },
    )
  })

  test('another address of a member moves nothing', () => {
    const before = clusterOf(someMembers(5))
    const after = clusterOf(someMembers(5).map((member) => ({ ...member, url: 'http://elsewhere:1' })))
    const idsOf = (cluster: typeof before, key: string) => cluster.candidates(key).map(({ id }) => id)
    for (const key of keys.slice(0, 200)) expect(idsOf(after, key)).toEqual(idsOf(before, key))
  })

  test.each([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])(
    'with %d members, the last one joining moves its share of the keys and no others',
    (n) => {
      const without = clusterOf(someMembers(n - 1), { replicas: 2 })
      const joined = clusterOf(someMembers(n), { replicas: 2 })
      const newcomer = `m${n - 1}`
      let moved = 0
      for (const key of keys) {
        const before = without.candidates(key).map(({ id }) => id)
        const after = joined.candidates(key).map(({ id }) => id)
        expect(after.filter((id) => id !== newcomer)).toEqual(before)
        if (after[0] !== before[0]) moved += 1
      }
      expect(moved / keys.length).toBeGreaterThan(0.75 / n)
      expect(moved / keys.length).toBeLessThan(1.3 / n)
    },
  )

  test.each([2, 5, 12])('with %d members, each owns about the same number of keys', (n) => {
    const cluster = clusterOf(someMembers(n), { replicas: 1 })
    const counts = new Map<string, number>()
    for (const key of keys) {
      const id = cluster.owners(key)[0]?.id as string
      counts.set(id, (counts.get(id) ?? 0) + 1)
    }
    for (const count of counts.values()) expect((count * n) / keys.length).toBeCloseTo(1, 0)
    expect(counts.size).toBe(n)
  })
})
