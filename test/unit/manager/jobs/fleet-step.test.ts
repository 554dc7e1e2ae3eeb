import { expect, test } from '@jest/globals'
import { appError, fakeClock, seededRandom } from '../../../../lib/base/index.ts'
import { fleetStep } from '../../../../services/manager/jobs/fleet-step.ts'
import type { PartNote } from '../../../../services/manager/jobs/job-ledger.ts'
import type { Job, Part } from '../../../../services/manager/jobs/model.ts'
import type { StepWork } from '../../../../services/manager/jobs/step.ts'

const progress = { blobs: 1, bytes: 1, doneBlobs: 1, partBlobs: 0, doneBytes: 1 }
const hosts = { waiting: 0, running: 0, done: 1, failed: 0, cancelled: 0 }
const done = { id: 'j1', state: 'done', hosts, progress, failures: {} }

/** A part whose process dies when a note of it is to be written for which `dies` says so. */
function lab(answers: Partial<Record<'job' | 'order', () => unknown>> = {}) {
  const orders: { readonly tracker: string; readonly key: unknown }[] = []
  let kept: Part = {
    ...{ jobId: 'job', n: 4, cluster: 'a', step: 'fleet', spec: { target: 'team/app:1', order: 'preload' } },
    ...{
      state: 'waiting',
      member: undefined,
      remoteId: undefined,
      code: undefined,
      message: undefined,
      content: undefined,
    },
  }
  const trackers = ['tracker-1', 'tracker-2'].map((id) => ({
    id,
    admin: {
      order: async ({ body }: { body: { key?: unknown } }) => {
        orders.push({ tracker: id, key: body.key })
        return answers.order?.() ?? done
      },
      job: async () => answers.job?.() ?? done,
      jobHosts: async () => ({ hosts: [] }),
    },
  }))
  const run = (list: readonly (typeof trackers)[number][], dies: (note: PartNote) => boolean = () => false) => {
    const ledger = {
      note: async (_part: unknown, note: PartNote) => {
        if (dies(note)) throw new Error('the process was killed')
        kept = { ...kept, ...note }
      },
      rowsOf: async () => [],
      saveRows: async () => undefined,
    }
    return fleetStep({
      ...{ part: kept, ledger, talk: { trackers: () => list }, clock: fakeClock(), random: seededRandom(1), lookMs: 1 },
      ...{ job: { untilMs: Number.MAX_SAFE_INTEGER, spec: {} } as Job, verdict: () => undefined },
      signal: new AbortController().signal,
    } as unknown as StepWork)
  }
  return { orders, trackers, run }
}

test('an order whose answer was lost is given again to the same tracker, as the same one', async () => {
  const { orders, trackers, run } = lab()
  await expect(run(trackers, ({ remoteId }) => remoteId !== undefined)).rejects.toThrow('killed')
  // Meanwhile another tracker has answered last.
  await expect(run(trackers.toReversed())).resolves.toEqual({ state: 'done' })
  expect(orders).toEqual([
    { tracker: 'tracker-1', key: 'manager job.4' },
    { tracker: 'tracker-1', key: 'manager job.4' },
  ])
})

test('a tracker is not asked before it is noted which one it is', async () => {
  const { orders, trackers, run } = lab()
  await expect(run(trackers, ({ member }) => member !== undefined)).rejects.toThrow('killed')
  expect(orders).toEqual([])
})

test('what a tracker has forgotten is not ordered again', async () => {
  const { orders, trackers, run } = lab({
    job: () => {
      throw appError('JOB_UNKNOWN')
    },
  })
  await expect(run(trackers)).rejects.toMatchObject({ code: 'JOB_LOST' })
  await expect(run(trackers)).rejects.toMatchObject({ code: 'JOB_LOST' })
  expect(orders).toHaveLength(1)
})

test('an order that is refused for good has failed', async () => {
  const { trackers, run } = lab({
    order: () => {
      throw appError('FLEET_EMPTY')
    },
  })
  await expect(run(trackers)).rejects.toMatchObject({ code: 'FLEET_EMPTY' })
})
