import { expect, test } from '@jest/globals'
import { eventually } from '../../kit/eventually.ts'
import { pushBlobOf } from '../../kit/pushed-blob.ts'
import { slowPull } from '../../kit/slow-pull.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

const requests = async (shoal: Topology) => {
  const count = (labels: string) => shoal.counter('tracker-1', 'shoal_http_requests_total', labels)
  return { announces: await count('route="/announce"'), started: await started(shoal) }
}
const started = (shoal: Topology) => shoal.counter('tracker-1', 'shoal_tracker_announces_total', 'event="started"')

test('an agent asks the tracker once before the first byte: no announce beside the request for the metainfo', async () => {
  // So slow that the blob is not complete when the test looks: then there would be a further announce.
  // And nobody says again that it is alive.
  const interval = ['tracker.announce.minInterval=30m', 'tracker.announce.maxInterval=30m']
  const overrides = ['origin.limits.upload=1MB/s', ...interval]
  await using shoal = await startTopology({ agents: 1, origins: 1, trackers: 1, processes: [], overrides })
  const pushed = await pushBlobOf(shoal, 'begin/blob', 6_000_000)
  // Both have told that they are there, and the origin that it has the blob.
  await eventually(async () => expect(await requests(shoal)).toEqual({ announces: 3, started: 0 }))
  const pull = await slowPull(shoal.url('agent-1', 'registry') + pushed.path)
  await pull.readTo(1)
  expect(await requests(shoal)).toEqual({ announces: 3, started: 1 })
  expect(await shoal.counter('agent-1', 'shoal_swarm_links')).toBeGreaterThan(0)
  pull.destroy()
})
