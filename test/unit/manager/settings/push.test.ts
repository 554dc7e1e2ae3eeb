import { expect, test } from '@jest/globals'
import { steeringBodySchema, trackerAdmin } from '../../../../lib/api/index.ts'
import { appError, fakeClock } from '../../../../lib/base/index.ts'
import { documentOf } from '../../../../services/manager/settings/document.ts'
import { lookAtTrackers, takeOver } from '../../../../services/manager/settings/push.ts'
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

test('when a tracker refuses to let go, whoever takes over is told whether others have', async () => {
  const held = { generation: 1, document: { manager: 'other', layers: [] } }
  const refuses = () => Promise.reject(appError('UNAUTHORIZED'))
  const trackersOf = (...unsteers: readonly (() => Promise<unknown>)[]) => ({
    clusters: () => [],
    trackers: () => unsteers.map((unsteer, i) => ({ id: String(i), admin: { steering: async () => held, unsteer } })),
  })
  const told = async (...unsteers: readonly (() => Promise<unknown>)[]) => {
    let count = 0
    const mayBeDone = () => {
      count += 1
    }
    const taking = takeOver(trackersOf(...unsteers) as never, 'near', { document: undefined, manager: 'm', mayBeDone })
    await expect(taking).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    return count
  }
  await expect(told(refuses)).resolves.toBe(0)
  await expect(told(async () => ({}), refuses)).resolves.toBe(1)
})
