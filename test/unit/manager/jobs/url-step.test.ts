import { expect, test } from '@jest/globals'
import { fakeClock, seededRandom } from '../../../../lib/base/index.ts'
import { urlStep } from '../../../../services/manager/jobs/content-steps.ts'
import type { Job, Part, Row } from '../../../../services/manager/jobs/model.ts'
import type { StepWork } from '../../../../services/manager/jobs/step.ts'

const digest = `sha256:${'cd'.repeat(32)}`

test('an origin that is asked no more since the ring has changed leaves no row', async () => {
  const clock = fakeClock()
  let first = 'origin-1'
  const origins = ['origin-1', 'origin-2'].map((id) => ({
    id,
    admin: {
      owners: async () => ({ order: [first] }),
      bringUrl: async () => {
        if (id === 'origin-2') return { digest, size: 7 }
        first = 'origin-2'
        return { size: 0 }
      },
    },
  }))
  let rows: readonly Row[] = []
  const keyOf = ({ host, blob }: Pick<Row, 'host' | 'blob'>) => `${host} ${blob}`
  const ledger = {
    rowsOf: async () => rows,
    saveRows: async (_id: string, saved: readonly Row[], gone: readonly Row[] = []) => {
      const replaced = new Set([...saved, ...gone].map(keyOf))
      rows = [...rows.filter((row) => !replaced.has(keyOf(row))), ...saved]
    },
  }
  const work = urlStep({
    ...{ ledger, clock, random: seededRandom(1), lookMs: 1, verdict: () => undefined },
    ...{ talk: { origins: () => origins }, job: { id: 'j', spec: { kind: 'preheat' } } as Job },
    part: { jobId: 'j', n: 0, cluster: 'a', step: 'url', spec: { url: 'https://web.example/model' } } as Part,
    signal: new AbortController().signal,
  } as unknown as StepWork)
  await clock.advance(1)
  expect(await work).toMatchObject({ state: 'done', content: { digest } })
  expect(rows).toMatchObject([{ host: 'origin-2', blob: digest, state: 'done', doneBytes: 7 }])
})
