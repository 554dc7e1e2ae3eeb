import { describe, expect, test } from '@jest/globals'
import { appError, fakeClock } from '../../../lib/base/index.ts'
import { type IngestState, stateOf } from '../../../services/origin/bring/ingest-report.ts'
import { ingestRoutes } from '../../../services/origin/bring/ingest-routes.ts'
import { type ReadStep, runReads } from '../../../services/origin/bring/run-reads.ts'
import { eventually } from '../../kit/eventually.ts'
import { memoryListener } from '../../kit/memory-listener.ts'
import { idleMs, type LabOrigin } from '../../kit/origin-lab.ts'
import { blob, PIECE, size, tail, UNIT } from '../../kit/unit-blob.ts'
import { manyTurns, readsRange, unitLab } from '../../kit/unit-lab.ts'

const ask = { hop: false } as const
const inUnit = (unit: number) => ({ start: unit * UNIT + 5, end: unit * UNIT + 500 })
const reportOf = ({ ingest }: LabOrigin) => ingest.underWay()[0]

interface Facts {
  readonly isBegun?: boolean
  readonly known?: boolean
  readonly isWhole?: boolean
  readonly over?: boolean
  readonly steps?: readonly ReadStep[]
}

test.each<[string, IngestState, Facts]>([
  ['has not had its turn', 'queued', { isBegun: false, known: false }],
  ['does not know yet where the blob is', 'asking', { known: false }],
  ['reads', 'reading', { steps: ['read'] }],
  ['reads beside what waits and what rests', 'reading', { steps: ['read', 'read', 'read', 'rate', 'rest'] }],
  ['has been asked to slow down', 'resting', { steps: ['read', 'read', 'rate', 'rest'] }],
  ['waits for the rate', 'paced', { steps: ['read', 'rate'] }],
  ['reads nothing', 'idle', {}],
  ['has all bytes, though nobody wants them', 'checking', { isWhole: true, over: true }],
  ['reads on although nobody wants it', 'ending', { over: true, steps: ['read'] }],
])('a run that %s is %s', (_, state, { isBegun = true, known = true, isWhole = false, over = false, steps = [] }) => {
  const reads = runReads()
  for (const step of steps) reads.begin(step)
  const source = known ? ({ from: 'backend' } as const) : undefined
  expect(stateOf({ isBegun, source, intake: { isWhole }, holds: { over }, reads })).toBe(state)
})

describe('a blob that is being brought', () => {
  test('is told with how much is here, from where, who wants it, and since when, until it is whole', async () => {
    const lab = await unitLab({ count: 2, replicas: 2, fillBytesPerSecond: 0 })
    const { first, barred, clock } = lab
    const follower = lab.origins.find((each) => each !== first)!
    const startedAtMs = clock.now()
    expect(await readsRange(first, tail)).toBe(true)
    barred.bar(({ start }) => start === UNIT)
    await clock.advance(2_000)
    const listener = await follower.ingest.arriving(blob, ask)
    const { read } = await follower.ingest.open(blob, ask)
    const body = read(inUnit(1), { standsAlone: true })
    await eventually(() => expect(reportOf(first)?.state).toBe('reading'))
    const shared = { digest: blob.digest, repository: 'team/app', size, whole: false }
    const held = PIECE + 777
    expect(first.ingest.underWay()).toEqual([
      {
        ...{ ...shared, id: expect.stringContaining(`${blob.digest}@`), from: 'backend', member: undefined },
        ...{ heldBytes: held, receivedBytes: held, state: 'reading', reads: 1, holds: 1, startedAtMs },
      },
    ])
    expect(reportOf(follower)).toMatchObject({
      ...{ ...shared, from: 'origin', member: first.id, state: 'reading' },
      ...{ heldBytes: 0, reads: 1, holds: 2, startedAtMs: startedAtMs + 2_000 },
    })
    barred.bar(() => false)
    ;(await body).destroy()
    await manyTurns()
    expect(reportOf(first)).toMatchObject({ heldBytes: held + UNIT, state: 'idle', reads: 0 })
    barred.bar(() => true)
    const whole = follower.ingest.ensure(blob, ask)
    await eventually(() => expect(reportOf(follower)).toMatchObject({ whole: true }))
    barred.bar(() => false)
    await whole
    await first.ingest.ensure(blob, ask)
    listener!.release()
    expect([first, follower].map(({ ingest }) => ingest.underWay())).toEqual([[], []])
  })

  test('waits for the rate of the fill, and ends when nobody wants it', async () => {
    const { first, barred, clock } = await unitLab({ fillBytesPerSecond: UNIT })
    const listener = await first.ingest.arriving(blob, ask)
    await manyTurns()
    expect(reportOf(first)).toMatchObject({ state: 'paced', reads: 1, holds: 1 })
    barred.bar(() => true)
    const leaving = new AbortController()
    const { read } = await first.ingest.open(blob, ask)
    const body = read(tail, { standsAlone: true, signal: leaving.signal })
    await eventually(() => expect(reportOf(first)).toMatchObject({ state: 'reading', reads: 2, holds: 2 }))
    listener!.release()
    leaving.abort()
    await expect(body).rejects.toMatchObject({ code: 'ABORTED' })
    await clock.advance(idleMs)
    expect(reportOf(first)).toMatchObject({ state: 'ending', holds: 0 })
    await clock.advance(idleMs)
    expect(first.ingest.underWay()).toEqual([])
  })

  test('rests while the backend asks to slow down', async () => {
    const lab = await unitLab({
      wrapBackend: (backend) => ({
        ...backend,
        read: () => Promise.reject(appError('BACKEND_THROTTLED', { detail: { retryAfterMs: 7_000 } })),
      }),
    })
    const listener = await lab.first.ingest.arriving(blob, ask)
    await manyTurns()
    expect(reportOf(lab.first)).toMatchObject({ state: 'resting', from: 'backend' })
    listener!.release()
    await lab.first.ingest.stop()
  })
})

test('the list comes in pages, in the order of the ids', async () => {
  const ids = ['c', 'a', 'd', 'b']
  const listener = memoryListener(
    ingestRoutes({
      ingests: {
        ensure: () => Promise.reject(new Error('nobody asks')),
        underWay: () => ids.map((id) => ({ id }) as never),
      },
      urls: { ask: () => Promise.reject(new Error('nobody asks')) },
      clock: fakeClock(),
    }),
  )
  const page = async (query: string) => {
    const answer = await listener.send({ method: 'GET', target: `/ingests${query}` })
    return JSON.parse(answer!.body.toString()) as unknown
  }
  expect(await page('?n=3')).toEqual({ ingests: ['a', 'b', 'c'].map((id) => ({ id })), next: 'c' })
  expect(await page('?n=3&last=c')).toEqual({ ingests: [{ id: 'd' }] })
  expect(await page('?n=0')).toMatchObject({ errors: [{ code: 'PAGINATION_NUMBER_INVALID' }] })
})
