import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { fakeClock } from '../../../lib/base/index.ts'
import { changingCluster } from '../../../lib/cluster/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'

const keys = Array.from({ length: 60 }, (_, i) => `sha256:${i.toString(16).padStart(64, '0')}`)
const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((letter) => `origin-${letter}`)
/** Members by name, each with an address that may be another one the next time. */
const view = fc.dictionary(fc.constantFrom(...names), fc.constantFrom('10.0.0.1', '10.0.0.2'), { minKeys: 1 })
const membersOf = (hosts: Readonly<Record<string, string>>) =>
  Object.entries(hosts).map(([id, host]) => ({ id, url: `http://${host}:1` }))

function clusterOf(hosts: Readonly<Record<string, string>>) {
  const health = { failures: 1, windowMs: 1_000, outMs: 1_000 }
  return changingCluster(
    { clock: fakeClock(), logger: silentLogger() },
    { members: membersOf(hosts), replicas: 2, health },
  )
}

const orders = (cluster: ReturnType<typeof clusterOf>) => keys.map((key) => cluster.candidates(key).map(({ id }) => id))

describe('from one view of the members to the next', () => {
  test('only keys of members that come or go change their owners, and the others keep their order', () => {
    fc.assert(
      fc.property(view, view, (before, after) => {
        const cluster = clusterOf(before)
        const stays = (id: string) => Object.hasOwn(before, id) && Object.hasOwn(after, id)
        const old = orders(cluster).map((order) => order.filter(stays))
        cluster.replace(membersOf(after))
        expect(orders(cluster).map((order) => order.filter(stays))).toEqual(old)
        expect(orders(cluster)).toEqual(orders(clusterOf(after)))
      }),
      { seed: 41, numRuns: 12 },
    )
  })

  test('the same members have the same owners, in whichever order and at whichever addresses they are listed', () => {
    fc.assert(
      fc.property(view, (hosts) => {
        const cluster = clusterOf(hosts)
        const before = orders(cluster)
        cluster.replace(membersOf(hosts).toReversed())
        expect(orders(cluster)).toEqual(before)
        cluster.replace(membersOf(hosts).map(({ id }) => ({ id, url: 'http://elsewhere:1' })))
        expect(orders(cluster)).toEqual(before)
      }),
      { seed: 42, numRuns: 8 },
    )
  })

  test('the health of each member that stays where it is survives, whatever the views', () => {
    fc.assert(
      fc.property(fc.array(view, { minLength: 2, maxLength: 6 }), fc.constantFrom(...names), (views, failing) => {
        const [first = {}, ...rest] = views
        const cluster = clusterOf(first)
        cluster.report(failing, 'failed')
        let isOut = Object.hasOwn(first, failing)
        let last = first
        for (const next of rest) {
          cluster.replace(membersOf(next))
          isOut &&= next[failing] === last[failing]
          last = next
          expect(cluster.isHealthy(failing)).toBe(!isOut)
        }
      }),
      { seed: 43, numRuns: 20 },
    )
  })
})
