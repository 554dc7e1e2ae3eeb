import { describe, expect, test } from '@jest/globals'
import type { WholeSwarm } from '../../../../lib/api/index.ts'
import { appError, fakeClock } from '../../../../lib/base/index.ts'
import { silentLogger } from '../../../../lib/telemetry/index.ts'
import { liveSwarms } from '../../../../services/manager/views/live-swarms.ts'

const whole = { swarm: 's', cut: false, peers: [], feeds: [] } as unknown as WholeSwarm

describe('a swarm that is watched', () => {
  test.each(['SWARM_UNKNOWN', 'CLUSTER_UNKNOWN'] as const)('has ended when its look says %s', async (code) => {
    const clock = fakeClock()
    const answers = [
      async () => whole,
      () => Promise.reject(appError('HOST_AWAY')),
      () => Promise.reject(appError(code)),
    ]
    let looks = 0
    const look = () => answers[looks++]?.() ?? Promise.resolve(whole)
    const live = liveSwarms({ views: { whole: look }, clock, logger: silentLogger() })
    await live.start()
    const seen: string[] = []
    const { signal } = new AbortController()
    const leave = (await live.watch('c', 's', { signal })).listen(({ event }) => seen.push(event))
    await clock.advance(1_000)
    expect(seen).toEqual(['whole'])
    await clock.advance(10_000)
    expect([seen, looks]).toEqual([['whole', 'ended'], 3])
    leave()
    await live.stop()
  })
})
