import { expect, test } from '@jest/globals'
import { planHerd } from '../../../services/herd/index.ts'
import { planParts } from '../../bench/service-hosts.ts'

test('the agents of a plan are shared out, after a part with all other services', () => {
  const plan = planHerd({ agents: 5, origins: 1, trackers: 1 }, { take: (_index, defaults) => defaults }, 'data')
  const parts = planParts(plan, 2)
  expect(parts.map(({ agent }) => agent.map(({ id }) => id))).toEqual([
    [],
    ['agent-1', 'agent-2'],
    ['agent-3', 'agent-4'],
    ['agent-5'],
  ])
  expect(parts.map(({ origin, proxy }) => origin.length + proxy.length)).toEqual([2, 0, 0, 0])
})
