import { expect, test } from '@jest/globals'
import { fakeClock } from '../../../../lib/base/index.ts'
import { silentLogger } from '../../../../lib/telemetry/index.ts'
import { lookAtHosts } from '../../../../services/manager/settings/sight.ts'
import { simulatedFleet } from '../../../kit/manager/simulated-fleet.ts'

test.each([
  ['that says nothing of it', true, {}],
  ['that says so', true, { isWhole: true }],
  ['that is young', false, { isWhole: false }],
])('the hosts of a cluster with one tracker %s are all: %p', async (_, isWhole, more) => {
  const clock = fakeClock()
  const fleet = simulatedFleet({ clock, clusters: { near: 3 }, trackers: 1 })
  const trackers = (cluster: string) =>
    fleet.trackers(cluster).map(({ id, admin }) => {
      const steering: typeof admin.steering = async (...asked) => ({ ...(await admin.steering(...asked)), ...more })
      return { id, admin: { ...admin, steering } }
    })
  const parts = { clock, logger: silentLogger(), clusters: { ...fleet, trackers }, manager: () => 'm' }
  const sight = await lookAtHosts(parts, 'near')
  expect([sight.isWhole, sight.hosts.filter(({ kind }) => kind === 'agent')]).toEqual([
    isWhole,
    Array(3).fill(expect.anything()),
  ])
})

test('one tracker that knows all hosts suffices, for they ask each of them', async () => {
  const clock = fakeClock()
  const fleet = simulatedFleet({ clock, clusters: { near: 3 }, trackers: 2 })
  const trackers = (cluster: string) =>
    fleet.trackers(cluster).map(({ id, admin }, at) => {
      const steering: typeof admin.steering = async (...asked) => ({
        ...(await admin.steering(...asked)),
        isWhole: at === 0,
      })
      return { id, admin: { ...admin, steering } }
    })
  const parts = { clock, logger: silentLogger(), clusters: { ...fleet, trackers }, manager: () => 'm' }
  const look = () => lookAtHosts(parts, 'near')
  expect(await look()).toMatchObject({ isWhole: true })
  fleet.silent.add('near-tracker-0')
  expect(await look()).toMatchObject({ isWhole: false })
})
