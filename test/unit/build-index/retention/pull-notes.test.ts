import { beforeEach, describe, expect, test } from '@jest/globals'
import { memoryBackend } from '../../../../lib/backend/index.ts'
import { type FakeClock, fakeClock, seededRandom } from '../../../../lib/base/index.ts'
import { parseRepository, parseTag } from '../../../../lib/core/index.ts'
import { silentLogger } from '../../../../lib/telemetry/index.ts'
import { indexRecords } from '../../../../services/build-index/index-records.ts'
import { pullNotes } from '../../../../services/build-index/retention/pull-notes.ts'
import { type FaultyBackend, faultyBackend } from '../../../kit/faulty-backend.ts'

const HOUR = 3_600_000
const app = parseRepository('team/app')
const v1 = parseTag('v1')

let clock: FakeClock
let faulty: FaultyBackend

const opened = async () => {
  const records = indexRecords({ backend: faulty.backend, clock, random: seededRandom(1) })
  const notes = pullNotes({ records, clock, logger: silentLogger() })
  await notes.start()
  await clock.advance(1)
  return notes
}

beforeEach(() => {
  clock = fakeClock()
  faulty = faultyBackend(memoryBackend())
})

describe('pulls', () => {
  test('are written a minute later, and of one tag once an hour at most, by all build-indexes', async () => {
    const [one, two] = [await opened(), await opened()]
    const pulledAtMs = clock.now()
    for (let i = 0; i < 100; i += 1) one.note(app, v1)
    await clock.advance(60_000)
    expect(await two.pulledAtMs(app, v1, {})).toBe(pulledAtMs)
    const { write } = faulty.calls
    for (let minute = 0; minute < 15; minute += 1) {
      for (const notes of [one, two]) notes.note(app, v1)
      await clock.advance(60_000)
    }
    expect(faulty.calls.write).toBe(write)
    await clock.advance(HOUR)
    two.note(app, v1)
    const again = clock.now()
    await clock.advance(60_000)
    expect(await one.pulledAtMs(app, v1, {})).toBe(again)
    await Promise.all([one.stop(), two.stop()])
  })

  test('wait while the backend is away, and are written at the stop', async () => {
    const notes = await opened()
    faulty.break()
    notes.note(app, v1)
    const pulledAtMs = clock.now()
    await clock.advance(120_000)
    expect(await notes.pulledAtMs(app, v1, {})).toBe(pulledAtMs)
    faulty.heal()
    await notes.stop()
    expect(await (await opened()).pulledAtMs(app, v1, {})).toBe(pulledAtMs)
  })

  test('are known since they are written, until nobody has written them for two hours', async () => {
    const first = clock.now()
    const notes = await opened()
    expect(await notes.recordedSinceMs({})).toBe(first)
    await clock.advance(HOUR)
    await notes.stop()
    await clock.advance(HOUR)
    const second = await opened()
    expect(await second.recordedSinceMs({})).toBe(first)
    await second.stop()
    await clock.advance(3 * HOUR)
    const begun = clock.now()
    expect(await (await opened()).recordedSinceMs({})).toBe(begun)
  })

  test('that are too many to remember are a gap', async () => {
    const notes = await opened()
    for (let i = 0; i < 20_001; i += 1) notes.note(app, parseTag(`t${i}`))
    const before = clock.now()
    await clock.advance(60_000)
    for (let i = 0; i < 100; i += 1) await clock.advance(1)
    expect(await notes.recordedSinceMs({})).toBeGreaterThan(before)
    await notes.stop()
  })

  test('of others than before are known from then on, and not before that is written', async () => {
    const first = clock.now()
    const notes = await opened()
    await clock.advance(HOUR)
    expect(await notes.recordedSinceMs({})).toBe(first)
    notes.change({ isAny: true })
    expect(await notes.recordedSinceMs({})).toBeUndefined()
    await clock.advance(60_000)
    expect(await notes.recordedSinceMs({})).toBeGreaterThan(first)
    notes.change({ isAny: false })
    await clock.advance(HOUR)
    expect(await notes.recordedSinceMs({})).toBeUndefined()
    await notes.stop()
  })

  test('of the same as before a restart are no gap, though what is noted is said before the start', async () => {
    const first = clock.now()
    await (await opened()).stop()
    const records = indexRecords({ backend: faulty.backend, clock, random: seededRandom(2) })
    const notes = pullNotes({ records, clock, logger: silentLogger() }, { isAny: false })
    notes.change({ isAny: true })
    await notes.start()
    await clock.advance(1)
    expect(await notes.recordedSinceMs({})).toBe(first)
    await notes.stop()
  })
})
