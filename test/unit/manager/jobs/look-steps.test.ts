import { expect, test } from '@jest/globals'
import { appError, fakeClock, seededRandom } from '../../../../lib/base/index.ts'
import type { PartEnd } from '../../../../services/manager/jobs/job-ledger.ts'
import { gcStep } from '../../../../services/manager/jobs/look-steps.ts'
import type { Job, Part, Row } from '../../../../services/manager/jobs/model.ts'
import { isOver, type StepWork, type Verdict } from '../../../../services/manager/jobs/step.ts'

const counts = { blobs: 0, blobsRemoved: 0, bytesRemoved: 0 }

interface Report {
  readonly id: string
  readonly state: string
  readonly dryRun: boolean
  readonly lastError?: { readonly code: string; readonly message: string }
}

/** A build-index with one look at a time, and a job that asks for one. */
function lab() {
  const clock = fakeClock()
  const begun: boolean[] = []
  const rows = new Map<string, Row>()
  let report: Report | undefined
  let restarting = false
  let stops = 0
  let verdict: Verdict
  const up = () => {
    if (restarting) throw appError('PEER_CLOSED')
  }
  const admin = {
    gc: async ({ body: { dryRun } }: { body: { dryRun: boolean } }) => {
      up()
      if (report?.state === 'running') throw appError('GARBAGE_RUNNING')
      begun.push(dryRun)
      report = { id: `own-${begun.length}`, state: 'running', dryRun }
      return { ...report, counts }
    },
    gcReport: async () => {
      up()
      return { ...report, counts }
    },
    gcStop: async () => {
      up()
      stops += 1
      report = { ...(report as Report), state: 'stopped' }
    },
  }
  const job = { id: 'j', spec: { kind: 'gc' }, untilMs: clock.now() + 3_600_000, cancelAtMs: clock.now() }
  let end: PartEnd | undefined
  const start = () => {
    gcStep({
      ...{ clock, random: seededRandom(1), lookMs: 1_000, verdict: () => verdict, job: job as unknown as Job },
      ledger: {
        note: async () => undefined,
        saveRows: async (_id: string, saved: readonly Row[]) => {
          for (const row of saved) rows.set(row.host, row)
        },
      },
      talk: { buildIndexes: () => [{ admin }] },
      part: { jobId: 'j', n: 0, cluster: 'a', step: 'gc', spec: {} } as Part,
      signal: new AbortController().signal,
    } as unknown as StepWork).then(
      (ended) => {
        end = ended
      },
      (err: unknown) => {
        end = isOver(err) ? err.end : { state: 'failed', code: String(err) }
      },
    )
    return clock.advance(1)
  }
  return {
    ...{ clock, begun, start, row: () => rows.get('index'), end: () => end, stops: () => stops },
    reports: (next: Report) => {
      report = next
    },
    restarts: (is: boolean) => {
      restarting = is
    },
    says: (next: Verdict) => {
      verdict = next
    },
  }
}

test('a look that only counts is not taken for one that removes: its end is waited for', async () => {
  const { clock, begun, start, reports, end } = lab()
  reports({ id: 'of-another', state: 'running', dryRun: true })
  await start()
  await clock.advance(5_000)
  expect([begun, end()]).toEqual([[], undefined])
  reports({ id: 'of-another', state: 'done', dryRun: true })
  await clock.advance(1_000)
  expect([begun, end()]).toEqual([[false], undefined])
  reports({ id: 'own-1', state: 'done', dryRun: false })
  await clock.advance(1_000)
  expect(end()).toEqual({ state: 'done' })
})

test('a look that does the same is followed', async () => {
  const { clock, begun, start, reports, end } = lab()
  reports({ id: 'of-another', state: 'running', dryRun: false })
  await start()
  reports({ id: 'of-another', state: 'done', dryRun: false })
  await clock.advance(1_000)
  expect([begun, end()]).toEqual([[], { state: 'done' }])
})

test('a job that is cancelled while the build-index restarts stops the look once it is back', async () => {
  const { clock, start, restarts, says, stops, end, row } = lab()
  await start()
  restarts(true)
  says('cancel')
  await clock.advance(20_000)
  expect(end()).toBeUndefined()
  restarts(false)
  await clock.advance(20_000)
  expect([stops(), end(), row()?.state]).toEqual([1, { state: 'cancelled' }, 'cancelled'])
})

test('a build-index that does not come back is not waited for without end', async () => {
  const { clock, start, restarts, says, end } = lab()
  await start()
  restarts(true)
  says('cancel')
  await clock.advance(120_000)
  expect(end()).toEqual({ state: 'cancelled' })
})

test('a look that is stopped since the time of its job is over has failed for that', async () => {
  const { clock, start, says, end, row } = lab()
  await start()
  says('timeout')
  await clock.advance(2_000)
  expect([end(), row()]).toMatchObject([
    { state: 'failed', code: 'JOB_TIMEOUT' },
    { state: 'failed', code: 'JOB_TIMEOUT' },
  ])
})

test('the row of a look that failed says so', async () => {
  const { clock, start, reports, end, row } = lab()
  await start()
  reports({ id: 'own-1', state: 'failed', dryRun: false, lastError: { code: 'BACKEND_DENIED', message: 'no' } })
  await clock.advance(1_000)
  expect([end(), row()]).toMatchObject([
    { state: 'failed', code: 'BACKEND_DENIED' },
    { state: 'failed', code: 'BACKEND_DENIED' },
  ])
})
