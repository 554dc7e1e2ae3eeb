import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from '@jest/globals'
import type { Backend, ReadObjectOptions } from '../../../lib/backend/index.ts'
import { appError } from '../../../lib/base/index.ts'
import type { ByteRange, ReadPriority } from '../../../lib/core/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { barredBackend } from '../../kit/barred-backend.ts'
import { eventually } from '../../kit/eventually.ts'
import { type OriginLabInit, originLab } from '../../kit/origin-lab.ts'
import { readBlob } from '../../kit/store-fixture.ts'
import { blob, content, size, tail, UNIT } from '../../kit/unit-blob.ts'

const ask = { hop: false } as const

/** How urgent each read of the backend is now, by its unit; reads that the bar lets through can be refused by that. */
function heardBackend(inner: Backend) {
  const reads: ReadObjectOptions[] = []
  let refused: readonly ReadPriority[] = []
  const barred = barredBackend({
    ...inner,
    async read(key, options = {}) {
      if (!refused.includes(options.urgency!.priority)) return inner.read(key, options)
      throw appError('BACKEND_THROTTLED', { detail: { retryAfterMs: 7_000 } })
    },
  })
  const backend: Backend = {
    ...barred.backend,
    read(key, options = {}) {
      reads.push(options)
      return barred.backend.read(key, options)
    },
  }
  return {
    ...{ backend, barred },
    refuse(priorities: readonly ReadPriority[]) {
      refused = priorities
    },
    urgencyOf: (unit: number) => reads.findLast(({ range }) => range?.start === unit * UNIT)?.urgency?.priority,
  }
}

async function started(init: Partial<OriginLabInit> = {}) {
  let heard: ReturnType<typeof heardBackend> | undefined
  const wrapBackend = (backend: Backend) => {
    heard = heardBackend(backend)
    return heard.backend
  }
  const lab = originLab({ count: 1, replicas: 1, unitBytes: UNIT, wrapBackend, ...init })
  const [first] = lab.origins
  await first!.store.start()
  await lab.inner.write(blobKey(content.digest), content.bytes, { size })
  const readRange = async (range: ByteRange) => {
    const { read } = await first!.ingest.open(blob, ask)
    return (await buffer(await read(range, { standsAlone: true }))).equals(
      content.bytes.subarray(range.start, range.end),
    )
  }
  return { ...lab, barred: heard!.barred, heard: heard!, first: first!, readRange }
}

describe('what only completes a blob', () => {
  test('becomes as urgent as its reader when somebody begins to read it', async () => {
    const { barred, heard, first, readRange } = await started()
    barred.bar(() => true)
    const whole = first.ingest.ensure(blob, ask)
    await eventually(() => expect(heard.urgencyOf(0)).toBe('fill'))
    const read = readRange({ start: 10, end: 15 })
    await eventually(() => expect(heard.urgencyOf(0)).toBe('onDemand'))
    barred.bar(() => false)
    expect(await read).toBe(true)
    await whole
  })

  test('rests while the backend asks to slow down, and what is read goes on', async () => {
    const { barred, heard, first, clock, readRange, watched } = await started()
    barred.bar(() => true)
    const whole = first.ingest.ensure(blob, ask)
    const read = readRange(tail)
    await eventually(() => expect([0, 10].map(heard.urgencyOf)).toEqual(['fill', 'onDemand']))
    const timers = clock.pending
    heard.refuse(['fill'])
    barred.bar(({ start }) => start === 10 * UNIT)
    await eventually(() => expect(clock.pending).toBe(timers + 1))
    expect(barred.asked).toHaveLength(2)
    barred.bar(() => false)
    expect(await read).toBe(true)
    expect(barred.asked).toHaveLength(2)
    heard.refuse([])
    await clock.advance(7_000)
    await whole
    expect(Buffer.compare(await readBlob(first.store, content.digest), content.bytes)).toBe(0)
    expect(watched.counts.between(size)).toEqual({ least: 1, most: 1 })
  })

  test('fails when the backend asks to slow down, and nobody reads', async () => {
    const { heard, first } = await started()
    heard.refuse(['fill'])
    await expect(first.ingest.ensure(blob, ask)).rejects.toMatchObject({ code: 'BACKEND_THROTTLED' })
  })
})
