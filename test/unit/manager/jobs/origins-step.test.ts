import { expect, test } from '@jest/globals'
import { type FakeClock, fakeClock, seededRandom } from '../../../../lib/base/index.ts'
import { newRow } from '../../../../services/manager/jobs/model.ts'
import { originsStep } from '../../../../services/manager/jobs/origins-step.ts'
import type { StepWork } from '../../../../services/manager/jobs/step.ts'

const digests = ['sha256:00', 'sha256:01']

/** A part of two blobs, each at an origin of its own; those in `here` answer. */
function lab(here: Set<string>, clock: FakeClock) {
  const heard: boolean[] = []
  const items = digests.map((digest) => ({ digest, size: 1 }))
  const origin = (id: string) => ({ id, admin: { bring: async () => ({ whole: true, size: 1, heldBytes: 1 }) } })
  const ledger = {
    look: async () => ({ parts: [{ content: { repository: 'team/app', digest: 'sha256:02', items } }] }),
    rowsOf: async () => digests.map((blob, i) => newRow(1, `origin-${i}`, { blob })),
    saveRows: async () => undefined,
  }
  const work = {
    ...{ part: { n: 1, cluster: 'a', spec: { contentOf: 0 } }, ledger, clock, random: seededRandom(1), lookMs: 1 },
    ...{ job: { id: 'job', spec: { scope: 'all_origins' } }, verdict: () => undefined },
    talk: { origins: () => [...here].map(origin) },
    answered: (isSo: boolean) => heard.push(isSo),
    signal: new AbortController().signal,
  } as unknown as StepWork
  return { heard, end: originsStep(work) }
}

test('a part gets no answer only while none of the origins that it asks gives one', async () => {
  const clock = fakeClock()
  const here = new Set<string>()
  const { heard, end } = lab(here, clock)
  await clock.advance(0)
  expect(heard.at(-1)).toBe(false)
  here.add('origin-0')
  await clock.advance(60_000)
  expect(heard).toContain(true)
  // The other one is waited for alone.
  expect(heard.at(-1)).toBe(false)
  here.add('origin-1')
  await clock.advance(60_000)
  await expect(end).resolves.toEqual({ state: 'done' })
  expect(heard.at(-1)).toBe(true)
})
