import { expect, test } from '@jest/globals'
import type { ManagedStore } from '../../../lib/store/index.ts'
import type { PullSummary } from '../../../lib/swarm/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { pushBlobOf } from '../../kit/pushed-blob.ts'
import { pullDigest } from '../../kit/slow-pull.ts'
import { startTopology } from '../../kit/topology.ts'

/** A store that counts the leases that were not released yet. */
function countedLeases() {
  const open = new Set<object>()
  const wrapStore = (store: ManagedStore) =>
    new Proxy(store, {
      get(target, name) {
        if (name === 'lease') {
          return (...args: Parameters<ManagedStore['lease']>) => {
            const lease = {}
            open.add(lease)
            const release = target.lease(...args)
            return () => {
              open.delete(lease)
              release()
            }
          }
        }
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
  return { open, wrapStore }
}

test.each([
  ['the registry', (path: string) => path],
  [
    '/namespace',
    (path: string) =>
      path.replace(/^\/v2\/(.+)\/blobs\//, (_, name: string) => `/namespace/${encodeURIComponent(name)}/blobs/`),
  ],
])('two GETs and a HEAD of one cold blob at once are three reported pulls at %s, each closed', async (_, pathOf) => {
  const reported: PullSummary[] = []
  const leases = countedLeases()
  const agentParts = () => ({
    wrapStore: leases.wrapStore,
    onPull: (summary: PullSummary) => void reported.push(summary),
  })
  await using shoal = await startTopology({ agents: 1, origins: 1, trackers: 1, processes: [], agentParts })
  const pushed = await pushBlobOf(shoal, 'pulls/at-once', 6_000_001)
  const url = shoal.url('agent-1', 'registry') + pathOf(pushed.path)
  const [one, other, head] = await Promise.all([pullDigest(url), pullDigest(url), fetch(url, { method: 'HEAD' })])
  expect([one, other, head.headers.get('content-length')]).toEqual([pushed.digest, pushed.digest, '6000001'])
  await eventually(() =>
    expect(reported.map(({ digest }) => digest)).toEqual([pushed.digest, pushed.digest, pushed.digest]),
  )
  await eventually(() => expect(leases.open.size).toBe(0))
})
