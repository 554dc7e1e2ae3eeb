import { expect, test } from '@jest/globals'
import type { MarkingCluster } from '../../../../lib/api/index.ts'
import { appError, fakeClock } from '../../../../lib/base/index.ts'
import { recordingLogger } from '../../../../lib/telemetry/index.ts'
import { markPlaces } from '../../../../services/build-index/garbage/mark-places.ts'

test('a cluster leaves its mark at once, again within the shortest grace, and says whom else it meets', async () => {
  const [clock, logger, stop] = [fakeClock(), recordingLogger(), new AbortController()]
  const self = { id: '01', cluster: 'west' }
  const entered: MarkingCluster[] = []
  const answers = [appError('NO_HEALTHY_MEMBER'), [], [{ id: '02', cluster: 'east' }]]
  const stored = {
    async enter(cluster: MarkingCluster) {
      entered.push(cluster)
      const answer = answers[entered.length - 1] ?? []
      if (!Array.isArray(answer)) throw answer
      return answer
    },
  }
  const marking = markPlaces({ stored, clock, logger, self: async () => self }, stop.signal)
  await clock.advance(60_000)
  expect(entered).toEqual([self, self])
  await clock.advance(3_600_000 / 2)
  expect(entered).toHaveLength(3)
  expect(logger.lines.filter(({ level }) => level === 'warn')).toMatchObject([
    { fields: { clusters: [{ id: '02', cluster: 'east' }] } },
  ])
  stop.abort()
  await expect(marking).rejects.toBeDefined()
})
