import { expect, test } from '@jest/globals'
import { fakeClock } from '../../../../lib/base/index.ts'
import { silentLogger } from '../../../../lib/telemetry/index.ts'
import { lookAtHosts } from '../../../../services/manager/settings/sight.ts'
import { simulatedFleet } from '../../../kit/manager/simulated-fleet.ts'

const layer = { id: 'v1', generation: 1, kind: 'agent', scope: { all: true as const }, values: { log: 'info' } }
const document = (manager: string, generation: number) => ({ manager, generation, layers: [layer] })

function start(trackers = 1) {
  const clock = fakeClock()
  const fleet = simulatedFleet({ clock, clusters: { near: 1 }, trackers })
  const parts = { clock, logger: silentLogger(), clusters: fleet, manager: () => 'm' }
  const host = async () => (await lookAtHosts(parts, 'near')).hosts.find(({ kind }) => kind === 'agent')
  const tracker = async () => (await lookAtHosts(parts, 'near')).hosts.find(({ kind }) => kind === 'tracker')
  return { clock, fleet, host, tracker }
}

test('hosts and trackers that obey another manager have applied nothing of this one', async () => {
  const { fleet, host, tracker } = start()
  fleet.hold('near-tracker-0', document('m', 9))
  fleet.live()
  expect([await host(), await tracker()]).toMatchObject([
    { state: 'applied', generation: 9, told: 9 },
    { state: 'applied', generation: 9, told: 9 },
  ])
  fleet.hold('near-tracker-0', document('another', 99))
  fleet.live()
  expect([await host(), await tracker()]).toMatchObject([
    { state: 'waiting', generation: 0, told: 0 },
    { state: 'waiting', generation: 0, told: 0 },
  ])
})
