import { expect, test } from '@jest/globals'
import { fakeClock } from '../../../../lib/base/index.ts'
import type { TalkingCluster } from '../../../../services/manager/clusters/talk.ts'
import { type GiveJobComponents, giveJob } from '../../../../services/manager/jobs/give-job.ts'
import type { NewJob } from '../../../../services/manager/jobs/job-store.ts'

const clusters: readonly TalkingCluster[] = [
  { id: 'c1', name: 'near', away: false },
  { id: 'c2', name: 'far', away: true },
  { id: 'c3', name: 'planned', away: true, empty: true },
]

/** Gives a question for some clusters among those that are known; for which it is. */
async function clustersOf(named: readonly string[] | undefined, known = clusters): Promise<readonly string[]> {
  const added: NewJob[] = []
  const give = giveJob(
    {
      ...{ talk: { clusters: () => known }, clock: fakeClock(), onGiven: () => undefined },
      ...{ meters: { given: () => undefined }, store: { add: async (job: NewJob) => void added.push(job) } },
    } as unknown as GiveJobComponents,
    { ownNames: [] },
  )
  await give({ actor: 'user:ada', spec: { kind: 'query', targets: ['team/app:1'], clusters: named } })
  return added.flatMap(({ parts }) => parts.map(({ cluster }) => cluster))
}

test('a job that names no cluster is for all that somebody has joined, also for those that are away', async () => {
  await expect(clustersOf(undefined)).resolves.toEqual(['c1', 'c2'])
  await expect(clustersOf([])).resolves.toEqual(['c1', 'c2'])
  await expect(clustersOf(undefined, clusters.slice(2))).rejects.toMatchObject({ code: 'CLUSTER_UNKNOWN' })
})

test('a job that names a cluster is for it, also when nobody has joined it yet', async () => {
  await expect(clustersOf(['planned', 'near'])).resolves.toEqual(['c3', 'c1'])
})
