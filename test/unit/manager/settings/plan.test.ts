import { expect, test } from '@jest/globals'
import { planOf } from '../../../../services/manager/settings/plan.ts'
import { planDefaults } from '../../../kit/manager/settings-lab.ts'

const steps = [{ hosts: 1 }, { percent: 100 }]

test('a plan has what its caller says, and else what the config says', () => {
  expect(planOf('agent', { steps, minPulls: 3, soakSeconds: undefined }, planDefaults)).toEqual({
    ...{ ...planDefaults, steps, minPulls: 3 },
  })
})

test('services that tell of no pulls are not waited for to pull', () => {
  expect(planOf('tracker', { steps }, planDefaults)).toMatchObject({ minPulls: 0 })
  expect(planOf('tracker', { steps, minPulls: 3 }, planDefaults)).toMatchObject({ minPulls: 3 })
})
