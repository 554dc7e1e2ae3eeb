import { expect, test } from '@jest/globals'
import { appliedOf } from '../../../../services/manager/settings/applied.ts'
import { parseScope } from '../../../../services/manager/settings/scope.ts'
import type { SeenHost } from '../../../../services/manager/settings/sight.ts'

const slot = {
  ...{ scope: parseScope('all'), kind: 'agent', latest: 1, wanted: 1, touched: 1 },
  rollout: { id: 'r', state: 'done' as const },
}
const failed = (id: string, code: string): SeenHost => ({
  ...{ cluster: 'near', kind: 'agent', id, names: [id], address: undefined, state: 'failed', code, message: undefined },
  ...{ generation: 0, told: 1, seenAtMs: 0, counts: { pulls: 0, errors: 0, stalls: 0 } },
})

test('hosts are counted by whatever code they say', () => {
  const hosts = ['constructor', '__proto__', 'constructor'].map((code, i) => failed(`host-${i}`, code))
  const { codes, refused } = appliedOf(slot, [{ cluster: 'near', hosts, isWhole: true }])
  expect(Object.entries(codes)).toEqual([
    ['constructor', 2],
    ['__proto__', 1],
  ])
  expect(refused).toBe(3)
})
