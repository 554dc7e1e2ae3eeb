import { buffer } from 'node:stream/consumers'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import type { Backend } from '../../../lib/backend/index.ts'
import { blobKey } from '../../../services/origin/blob-keys.ts'
import { type BarredBackend, barredBackend } from '../../kit/barred-backend.ts'
import { eventually } from '../../kit/eventually.ts'
import { originLab } from '../../kit/origin-lab.ts'
import { readBlob, writePieces } from '../../kit/store-fixture.ts'
import { blob, content, PIECE, size, tail, UNIT } from '../../kit/unit-blob.ts'

const ask = { hop: false } as const
const once = { least: 1, most: 1 }

/** A backend of which nobody knows whether it obeys ranges; `isRanged`: it does. */
function unproven(inner: Backend, { isRanged }: { readonly isRanged: boolean }): Backend {
  return {
    ...inner,
    async stat(key, options = {}) {
      const found = await inner.stat(key, options)
      return found && options.thenRead === true ? { ...found, isUnproven: true } : found
    },
    async read(key, options = {}) {
      const { range, orWhole, ...others } = options
      if (isRanged || range === undefined || orWhole !== true) return inner.read(key, options)
      const whole = await inner.read(key, others)
      return whole && { ...whole, isWhole: true }
    },
  }
}

async function started(init: { readonly isRanged: boolean }) {
  let barred: BarredBackend | undefined
  const lab = originLab({
    ...{ count: 1, replicas: 1, unitBytes: UNIT },
    wrapBackend(backend) {
      barred = barredBackend(unproven(backend, init))
      return barred.backend
    },
  })
  const [first] = lab.origins
  await first!.store.start()
  await lab.inner.write(blobKey(content.digest), content.bytes, { size })
  const isRight = async () => Buffer.compare(await readBlob(first!.store, content.digest), content.bytes) === 0
  return { ...lab, barred: barred!, first: first!, isRight }
}

describe('a backend of which nobody knows whether it obeys ranges', () => {
  test('is asked for one unit, and when that was answered for more', async () => {
    const { barred, first, isRight } = await started({ isRanged: true })
    barred.bar(() => true)
    const whole = first.ingest.ensure(blob, ask)
    await eventually(() => expect(barred.asked).toHaveLength(1))
    await first.ingest.want(blob, [tail], { ...ask, priority: 'onDemand' })
    for (let turn = 0; turn < 50; turn += 1) await setImmediate()
    expect(barred.asked).toEqual([{ start: 0, end: UNIT }])
    barred.bar(({ start }) => start > 0)
    await eventually(() => expect(barred.asked).toContainEqual({ start: 10 * UNIT, end: size }))
    barred.bar(() => false)
    await whole
    expect(await isRight()).toBe(true)
  })

  test('and that does not, is read to its end from that answer', async () => {
    const { barred, first, watched, isRight } = await started({ isRanged: false })
    const reading = first.ingest
      .open(blob, ask)
      .then(async ({ read }) => buffer(await read(tail, { standsAlone: true })))
    await first.ingest.ensure(blob, ask)
    expect((await reading).equals(content.bytes.subarray(tail.start))).toBe(true)
    expect(barred.asked).toHaveLength(1)
    expect(watched.counts.between(size)).toEqual(once)
    expect(await isRight()).toBe(true)
  })

  test('gives what an earlier run lacks, also when what is here lies in between', async () => {
    const { barred, first, isRight } = await started({ isRanged: false })
    await writePieces(await first.store.openPartial(content.digest, content.map), content, [0, 1, 2, 3, 7, 20, 40, 41])
    await first.ingest.ensure(blob, ask)
    expect(barred.asked).toHaveLength(1)
    expect(await isRight()).toBe(true)
    expect(first.received.backend).toBe(34 * PIECE)
  })

  test('is asked for the rest when its answer breaks off', async () => {
    const { barred, first, watched, isRight } = await started({ isRanged: false })
    watched.cutAt(5 * UNIT)
    await first.ingest.ensure(blob, ask)
    expect(barred.asked).toEqual([
      { start: 0, end: UNIT },
      { start: 5 * UNIT, end: size },
    ])
    expect(await isRight()).toBe(true)
  })
})
