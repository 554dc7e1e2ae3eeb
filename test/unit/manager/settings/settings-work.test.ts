import { expect, test } from '@jest/globals'
import { fakeClock } from '../../../../lib/base/index.ts'
import { recordingMetrics, silentLogger } from '../../../../lib/telemetry/index.ts'
import { newProgress } from '../../../../services/manager/settings/progress.ts'
import { parseScope } from '../../../../services/manager/settings/scope.ts'
import { settingsMeters } from '../../../../services/manager/settings/settings-meters.ts'
import { settingsRound } from '../../../../services/manager/settings/settings-work.ts'
import { nobody } from '../../../../services/manager/settings/share.ts'
import type { Rollout } from '../../../../services/manager/settings/slot.ts'
import { planDefaults } from '../../../kit/manager/settings-lab.ts'
import { simulatedFleet } from '../../../kit/manager/simulated-fleet.ts'

test('a roll-out that cannot go on holds up no other one, and no tracker', async () => {
  const clock = fakeClock()
  const rollout = (id: string): Rollout => ({
    ...{ id, scope: parseScope('all'), kind: 'agent', from: undefined, to: 1, touched: 1, share: nobody },
    ...{ plan: { ...planDefaults, steps: [{ percent: 100 }] }, progress: newProgress(1, 0) },
    ...{ before: undefined, madeAtMs: 0, endedAtMs: undefined },
  })
  const begun: string[] = []
  const fleet = simulatedFleet({ clock, clusters: { near: 1 }, trackers: 1 })
  const metrics = recordingMetrics()
  const wanted = { version: 1, values: { log: 'info' } }
  await settingsRound(
    {
      ...{ clock, logger: silentLogger(), clusters: fleet, meters: settingsMeters(metrics), manager: () => 'm' },
      store: { wanted: async () => [{ scope: parseScope('all'), kind: 'agent', touched: 1, wanted }] },
      rollouts: {
        open: async () => [rollout('broken'), rollout('sound')],
        hosts: async () => [],
        looked: async () => undefined,
        async begin({ id }) {
          if (id === 'broken') throw new Error('the disk is full')
          begun.push(id)
        },
      },
      database: { keep: () => Promise.reject(new Error('nothing is to be written')) },
    },
    { signal: new AbortController().signal, lookingSinceMs: 0 },
  )
  expect(begun).toEqual(['sound'])
  expect(fleet.held.get('near-tracker-0')?.generation).toBe(1)
  expect(metrics.value('shoal_manager_settings_failures_total')).toBe(1)
})
