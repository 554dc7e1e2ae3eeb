import { expect, test } from '@jest/globals'
import { eventually } from '../../kit/eventually.ts'
import { startTopology } from '../../kit/topology.ts'

test('a topology says which process ended untold, and with which last words; not which it has ended itself', async () => {
  await using shoal = await startTopology({
    ...{ agents: 1, origins: 1, trackers: 1, processes: ['tracker-1', 'agent-1'] },
    env: { NODE_OPTIONS: '--max-old-space-size=300' },
  })
  await shoal.stop('tracker-1')
  expect([...shoal.crashes]).toEqual([])
  process.kill(shoal.pid('agent-1'), 'SIGKILL')
  await eventually(() => expect([...shoal.crashes.keys()]).toEqual(['agent-1']))
  expect(shoal.crashes.get('agent-1')).toMatch(/^was ended by SIGKILL/)
})
