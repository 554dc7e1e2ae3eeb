import { expect, test } from '@jest/globals'
import { type AbortOptions, fakeClock } from '../../../../lib/base/index.ts'
import { recordingMetrics, silentLogger } from '../../../../lib/telemetry/index.ts'
import { documentOf } from '../../../../services/manager/settings/document.ts'
import { newProgress } from '../../../../services/manager/settings/progress.ts'
import { followedTrackers } from '../../../../services/manager/settings/push-all.ts'
import { parseScope } from '../../../../services/manager/settings/scope.ts'
import { settingsMeters } from '../../../../services/manager/settings/settings-meters.ts'
import { type SettingsWorkComponents, settingsRound } from '../../../../services/manager/settings/settings-work.ts'
import { nobody } from '../../../../services/manager/settings/share.ts'
import type { Rollout } from '../../../../services/manager/settings/slot.ts'
import { planDefaults } from '../../../kit/manager/settings-lab.ts'
import { simulatedFleet } from '../../../kit/manager/simulated-fleet.ts'

const wanted = { version: 1, values: { log: 'info' } }
const slot = { scope: parseScope('all'), kind: 'agent', touched: 1, wanted }
const noRollouts: SettingsWorkComponents['rollouts'] = {
  ...{ open: async () => [], hosts: async () => [], looked: async () => true, begin: async () => undefined },
}
const database: SettingsWorkComponents['database'] = {
  keep: () => Promise.reject(new Error('nothing is to be written')),
  get read(): never {
    throw new Error('nothing is to be read')
  },
}

const rolloutAt = (id: string): Rollout => ({
  ...{ id, scope: parseScope('all'), kind: 'agent', from: undefined, to: 1, touched: 1, share: nobody },
  ...{ plan: { ...planDefaults, minPulls: 0, steps: [{ percent: 100 }] }, progress: newProgress(1, 0) },
  ...{ before: undefined, madeAtMs: 0, endedAtMs: undefined },
})

test('a tracker that does not answer for too long is away, and others get what they are to have', async () => {
  const clock = fakeClock()
  const fleet = simulatedFleet({ clock, clusters: { far: 1, near: 1 }, trackers: 1 })
  const clusters = { ...fleet }
  const hung = new Promise<void>((asked) => {
    const steering = (_: object, { signal }: AbortOptions = {}) => {
      asked()
      return new Promise<never>((__, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)))
    }
    clusters.trackers = (cluster) =>
      fleet
        .trackers(cluster)
        .map(({ id, admin }) => ({ id, admin: cluster === 'far' ? { ...admin, steering } : admin }))
  })
  const metrics = recordingMetrics()
  const round = settingsRound(
    {
      ...{ clock, logger: silentLogger(), clusters, meters: settingsMeters(metrics), manager: () => 'm' },
      ...{ store: { wanted: async () => [slot] }, rollouts: noRollouts, database },
    },
    { signal: new AbortController().signal, lookingSinceMs: 0, followed: followedTrackers(clock) },
  )
  await hung
  await clock.advance(10_000)
  await expect(round).resolves.toBe(false)
  expect(fleet.held.get('near-tracker-0')?.generation).toBe(1)
  expect(metrics.value('shoal_manager_trackers', { state: 'away' })).toBe(1)
})

test('an end is told only when it is written: somebody may have changed the roll-out meanwhile', async () => {
  const clock = fakeClock()
  const clusters = simulatedFleet({ clock, clusters: { near: 1 }, trackers: 1 })
  clusters.hold('near-tracker-0', documentOf('near', [slot], 'm'))
  clusters.live()
  const progress = { ...newProgress(1, 0), begun: true, isSettled: true, sinceMs: -1e9 }
  const host = { cluster: 'near', host: 'near-host-0', isMember: true, base: { pulls: 0, errors: 0, stalls: 0 } }
  const metrics = recordingMetrics()
  const ends = async (isWritten: boolean) => {
    const rollouts = {
      ...noRollouts,
      open: async () => [{ ...rolloutAt('r'), progress, touched: 0 }],
      hosts: async () => [host],
      looked: async () => isWritten,
    }
    await settingsRound(
      {
        ...{ clock, logger: silentLogger(), clusters, meters: settingsMeters(metrics), manager: () => 'm' },
        ...{ store: { wanted: async () => [slot] }, rollouts, database },
      },
      { signal: new AbortController().signal, lookingSinceMs: 0, followed: followedTrackers(clock) },
    )
    return metrics.value('shoal_manager_rollout_ends_total', { state: 'done' })
  }
  expect(await ends(false)).toBe(0)
  expect(await ends(true)).toBe(1)
})

test('a roll-out that cannot go on holds up no other one, and no tracker', async () => {
  const clock = fakeClock()
  const begun: string[] = []
  const fleet = simulatedFleet({ clock, clusters: { near: 1 }, trackers: 1 })
  const metrics = recordingMetrics()
  await settingsRound(
    {
      ...{ clock, logger: silentLogger(), clusters: fleet, meters: settingsMeters(metrics), manager: () => 'm' },
      store: { wanted: async () => [slot] },
      rollouts: {
        ...noRollouts,
        open: async () => [rolloutAt('broken'), rolloutAt('sound')],
        async begin({ id }) {
          if (id === 'broken') throw new Error('the disk is full')
          begun.push(id)
        },
      },
      database,
    },
    { signal: new AbortController().signal, lookingSinceMs: 0, followed: followedTrackers(clock) },
  )
  expect(begun).toEqual(['sound'])
  expect(fleet.held.get('near-tracker-0')?.generation).toBe(1)
  expect(metrics.value('shoal_manager_settings_failures_total')).toBe(1)
})
