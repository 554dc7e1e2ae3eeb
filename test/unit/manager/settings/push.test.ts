import { expect, test } from '@jest/globals'
import { steeringBodySchema, trackerAdmin } from '../../../../lib/api/index.ts'
import { fakeClock } from '../../../../lib/base/index.ts'
import { documentOf } from '../../../../services/manager/settings/document.ts'
import { lookAtTrackers } from '../../../../services/manager/settings/push.ts'
import { parseScope } from '../../../../services/manager/settings/scope.ts'
import { simulatedFleet } from '../../../kit/manager/simulated-fleet.ts'

const overTheWire = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

test('a document that a tracker has taken and told again is the same one', async () => {
  const fleet = simulatedFleet({ clock: fakeClock(), clusters: { near: 1 }, trackers: 1 })
  const wanted = {
    version: 1,
    values: { log: 'info', 'registry.upstreams': [{ registry: 'r', identity: 'passThrough' }] },
  }
  const share = { hosts: { near: ['x'] }, percent: 10.5 }
  const coming = { version: 2, values: { 'registry.fill': true }, share, rollout: 'r' }
  const slot = { scope: parseScope('zone:a'), kind: 'agent', touched: 3, wanted, coming }
  const document = documentOf('near', [slot], 'm')
  const told = { term: 0, generation: 3, atMs: 0, by: 't', tracker: { state: 'applied' } }
  const taken = trackerAdmin.steering.answer!.parse(
    overTheWire({ ...told, document: steeringBodySchema.parse(overTheWire(document)) }),
  ).document!
  const state = async () => {
    const [row] = await lookAtTrackers(fleet, 'near', { document, manager: 'm' })
    return row?.state
  }
  fleet.hold('near-tracker-0', taken)
  expect(await state()).toBe('current')
  fleet.hold('near-tracker-0', { ...taken, layers: taken.layers.slice(1) })
  expect(await state()).toBe('behind')
})
