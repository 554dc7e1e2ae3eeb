import { expect, test } from '@jest/globals'
import { prometheusMetrics } from '../../../../lib/telemetry/index.ts'
import { remoteRows, replicationMetrics } from '../../../../services/build-index/replication/replication-metrics.ts'
import { replicationLab } from '../../../kit/replication-lab.ts'

test('a remote has rows of the metrics from its begin to its end, whenever it is given', async () => {
  const { clock, changes } = replicationLab()
  const recorded = prometheusMetrics()
  const metrics = replicationMetrics(recorded)
  const remotes = new Map<string, unknown>([['east', {}]])
  let next = new AbortController()
  const live = {
    ...changes,
    get next() {
      return next.signal
    },
  }
  const change = async () => {
    const fired = next
    next = new AbortController()
    fired.abort()
    await clock.advance(1)
  }
  const rows = remoteRows(metrics, { remotes, followers: remotes, changes: live })
  await rows.start()
  const shown = async () => [...new Set((await recorded.expose()).text.match(/remote="\w+"/g))].toSorted()
  expect(await shown()).toEqual(['remote="east"'])
  remotes.set('west', {})
  await change()
  expect(await shown()).toEqual(['remote="east"', 'remote="west"'])
  metrics.tags.with({ remote: 'east', outcome: 'taken' }).add()
  metrics.sentBytes.with({ remote: 'east' }).add(3)
  remotes.delete('east')
  await change()
  expect(await shown()).toEqual(['remote="west"'])
  await rows.stop()
})
