import { afterAll, expect, test } from '@jest/globals'
import { type AdminClient, adminClient, trackerAdmin } from '../../../lib/api/index.ts'
import { type Digest, swarmIdOf } from '../../../lib/core/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { pushBlobOf } from '../../kit/pushed-blob.ts'
import { registryClient } from '../../kit/registry-client.ts'
import { disposableHttp } from '../../kit/scripted-server.ts'
import { startTopology } from '../../kit/topology.ts'

const MIB = 1024 * 1024
const SIZE = 16 * MIB
const AGENTS = 6

const http = disposableHttp()
afterAll(async () => http[Symbol.asyncDispose]())

/**
 * Copies of the blob that crossed between zones, in both directions, as agents have told the tracker. What nobody has told
 * of counts as carried across, too.
 */
async function crossed(tracker: AdminClient<typeof trackerAdmin>, digest: Digest): Promise<number> {
  const { hosts } = await tracker.hosts({})
  const zones = new Map(hosts.map(({ peerId, zone }) => [peerId, zone]))
  const { feeds } = await tracker.swarm({ swarm: swarmIdOf(digest) })
  const within = feeds.filter(({ from, to }) => zones.get(from) === zones.get(to))
  return AGENTS - within.reduce((sum, { bytes }) => sum + bytes / SIZE, 0)
}

test('processes in two zones carry at most 1.2 copies of a blob across, both ways together', async () => {
  await using shoal = await startTopology({
    ...{ agents: AGENTS, origins: 1, trackers: 1 },
    overrides: ['agent.limits.upload=40MB/s', 'origin.limits.upload=40MB/s'],
    more: (kind, id) => {
      if (kind === 'origin') return { zone: 'a' }
      return kind === 'agent' ? { zone: Number(id.slice('agent-'.length)) % 2 === 0 ? 'a' : 'b' } : {}
    },
  })
  const tracker = adminClient(http, shoal.url('tracker-1', 'admin'), trackerAdmin)
  for (const policy of ['adaptive', 'topology']) {
    await tracker.set({ body: { policy } })
    const { digest, path } = await pushBlobOf(shoal, `team/${policy}`, SIZE)
    const pulls = Array.from({ length: AGENTS }, (_, i) =>
      registryClient(shoal.url(`agent-${i + 1}`, 'registry')).send('GET', path),
    )
    for (const { status, body } of await Promise.all(pulls)) expect([status, body.length]).toEqual([200, SIZE])
    await eventually(async () => expect(await crossed(tracker, digest)).toBeLessThanOrEqual(1.2))
  }
})
