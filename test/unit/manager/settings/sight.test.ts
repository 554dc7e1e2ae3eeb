import { expect, test } from '@jest/globals'
import { fakeClock } from '../../../../lib/base/index.ts'
import { silentLogger } from '../../../../lib/telemetry/index.ts'
import { lookAtHosts } from '../../../../services/manager/settings/sight.ts'
import type { SteeredTrackerClient } from '../../../../services/manager/settings/steered-clusters.ts'
import { simulatedFleet } from '../../../kit/manager/simulated-fleet.ts'

const layer = { id: 'v1', generation: 1, kind: 'agent', scope: { all: true as const }, values: { log: 'info' } }
const document = (manager: string, generation: number) => ({ manager, generation, layers: [layer] })

function start(trackers = 1) {
  const clock = fakeClock()
  const fleet = simulatedFleet({ clock, clusters: { near: 1 }, trackers })
  /** By tracker: how far its clock is ahead, and whether it does not hear the host. */
  const wrong = new Map<string, { readonly aheadMs: number; readonly deaf: boolean }>()
  const clusters = {
    ...fleet,
    trackers: (cluster: string) =>
      fleet.trackers(cluster).map(({ id, admin }): SteeredTrackerClient => {
        const { aheadMs = 0, deaf = false } = wrong.get(id) ?? {}
        const steeringHosts: typeof admin.steeringHosts = async (query) => {
          const { hosts } = await admin.steeringHosts(query)
          const away = deaf ? { state: 'away' as const } : {}
          return { hosts: hosts.map((row) => ({ ...row, seenAtMs: row.seenAtMs + aheadMs, ...away })) }
        }
        return { id, admin: { ...admin, steeringHosts } }
      }),
  }
  const parts = { clock, logger: silentLogger(), clusters, manager: () => 'm' }
  const host = async () => (await lookAtHosts(parts, 'near')).hosts.find(({ kind }) => kind === 'agent')
  const tracker = async () => (await lookAtHosts(parts, 'near')).hosts.find(({ kind }) => kind === 'tracker')
  return { fleet, wrong, host, tracker }
}

test('hosts and trackers that obey another manager have applied nothing of this one', async () => {
  const { fleet, host, tracker } = start()
  const both = (like: object) => [like, like].map((each) => expect.objectContaining(each))
  for (const [held, like] of [
    [document('m', 9), { state: 'applied', generation: 9, told: 9 }],
    [document('another', 99), { state: 'waiting', generation: 0, told: 0 }],
  ] as const) {
    fleet.hold('near-tracker-0', held)
    fleet.live()
    expect([await host(), await tracker()]).toEqual(both(like))
  }
})

test('a host that one tracker hears is not away, whatever the clock of another one says', async () => {
  const { fleet, wrong, host } = start(2)
  fleet.hold('near-tracker-0', document('m', 9))
  fleet.hold('near-tracker-1', document('m', 9))
  fleet.live()
  wrong.set('near-tracker-1', { aheadMs: 600_000, deaf: true })
  expect(await host()).toMatchObject({ state: 'applied', generation: 9 })
})

test('of a host counts what a tracker says that has settings of this manager', async () => {
  const { fleet, wrong, host } = start(2)
  fleet.hold('near-tracker-0', document('m', 99))
  fleet.hold('near-tracker-1', document('another', 9))
  fleet.live()
  wrong.set('near-tracker-1', { aheadMs: 5, deaf: false })
  expect(await host()).toMatchObject({ state: 'applied', generation: 99 })
})
