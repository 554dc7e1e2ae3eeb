import { expect, test } from '@jest/globals'
import { appError, fakeClock, seededRandom } from '../../../../lib/base/index.ts'
import { backfillStep } from '../../../../services/manager/jobs/backfill-step.ts'
import type { PartEnd } from '../../../../services/manager/jobs/job-ledger.ts'
import type { Job, Part, Row } from '../../../../services/manager/jobs/model.ts'
import type { StepWork } from '../../../../services/manager/jobs/step.ts'

interface Status {
  readonly state: string
  readonly updatedAtMs: number
  readonly lastError?: { readonly code: string }
}

/** A build-index that takes an order later than it answers. */
function lab(remotes: readonly string[], before: Readonly<Record<string, number>> = {}) {
  const clock = fakeClock()
  const statuses = new Map<string, Status>()
  const rows = new Map<string, Row>()
  let asked = 0
  const admin = {
    replicate: async () => ({
      remotes,
      before: remotes.map((remote) => ({ remote, updatedAtMs: before[remote] })),
    }),
    replication: async ({ remote }: { remote: string }) => {
      asked += 1
      const found = statuses.get(remote)
      if (found === undefined) throw appError('REPLICATION_UNKNOWN')
      return { totalBytes: 9, doneBytes: 9, attempts: 0, ...found }
    },
  }
  let end: PartEnd | undefined
  let failure: unknown
  const start = () =>
    backfillStep({
      ...{ clock, random: seededRandom(1), lookMs: 1, verdict: () => undefined },
      ledger: {
        saveRows: async (_id: string, saved: readonly Row[]) => {
          for (const row of saved) rows.set(row.host, row)
        },
      },
      ...{ talk: { buildIndexes: () => [{ admin }] }, job: { id: 'j', spec: { kind: 'backfill' } } as Job },
      part: { jobId: 'j', n: 0, cluster: 'a', step: 'backfill', spec: { target: 'team/app:1' } } as Part,
      signal: new AbortController().signal,
    } as unknown as StepWork).then(
      (ended) => {
        end = ended
      },
      (err: unknown) => {
        failure = err
      },
    )
  return {
    ...{ statuses, start, rows, end: () => end, failure: () => failure },
    /** Everything was asked for once more. */
    look: async () => {
      const until = asked + remotes.length
      while (asked < until && end === undefined && failure === undefined) await clock.advance(1)
      await clock.advance(0)
    },
  }
}

test('a tag that was never sent to a remote is waited for until it was', async () => {
  const { start, look, statuses, end, failure, rows } = lab(['east'])
  const running = start()
  await look()
  expect([end(), failure(), rows.get('east')?.state]).toEqual([undefined, undefined, 'waiting'])
  statuses.set('east', { state: 'waiting', updatedAtMs: 5 })
  await look()
  expect([end(), rows.get('east')?.state]).toEqual([undefined, 'running'])
  statuses.set('east', { state: 'done', updatedAtMs: 6 })
  await look()
  await running
  expect([end(), rows.get('east')?.state]).toEqual([{ state: 'done' }, 'done'])
})

test.each([
  [{ state: 'done', updatedAtMs: 5 }, { state: 'dead', updatedAtMs: 3, lastError: { code: 'PEER_CLOSED' } }, 'failed'],
  // Another machine wrote it, whose clock is behind.
  [{ state: 'dead', updatedAtMs: 5, lastError: { code: 'PEER_CLOSED' } }, { state: 'done', updatedAtMs: 3 }, 'done'],
] as const)('what a status of before the order says (%j) does not count', async (old, now, state) => {
  const { start, look, statuses, end } = lab(['east'], { east: 5 })
  statuses.set('east', old)
  const running = start()
  await look()
  await look()
  expect(end()).toBeUndefined()
  statuses.set('east', now)
  await look()
  await running
  expect(end()).toMatchObject({ state })
})

test('a tag that no rule is for fails', async () => {
  const { start, failure, end } = lab([])
  await start()
  expect([end(), failure()]).toMatchObject([undefined, { code: 'REMOTE_UNKNOWN' }])
})

test('a remote that goes while the tag is on its way to it fails', async () => {
  const { start, look, statuses, failure } = lab(['east'])
  const running = start()
  statuses.set('east', { state: 'running', updatedAtMs: 5 })
  await look()
  statuses.clear()
  await look()
  await running
  expect(failure()).toMatchObject({ code: 'REPLICATION_UNKNOWN' })
})
