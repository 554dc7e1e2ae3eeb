import { expect, test } from '@jest/globals'
import { pushBlobOf } from '../../kit/pushed-blob.ts'
import { pullDigest } from '../../kit/slow-pull.ts'
import { startTopology } from '../../kit/topology.ts'

const SIZE = 3 * 1024 * 1024
const RATE = 2_000_000
/** What the limit lets out at once, after a pause. */
const BURST = 1024 * 1024

test('what an origin gives over HTTP passes its upload limit', async () => {
  const overrides = ['origin.limits.upload=2MB/s']
  await using shoal = await startTopology({ agents: 1, origins: 1, trackers: 1, processes: [], overrides })
  const { digest } = await pushBlobOf(shoal, 'rate/blob', SIZE)
  const url = `${shoal.url('origin-1')}/namespace/${encodeURIComponent('rate/blob')}/blobs/${digest}`
  const startMs = performance.now()
  expect(await pullDigest(url)).toBe(digest)
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(((SIZE - BURST) / RATE) * 1000 * 0.9)
})
