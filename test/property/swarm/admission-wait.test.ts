import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { admissionWaitMs, type WaitInput } from '../../../lib/swarm/picker/index.ts'

const ms = fc.nat(60_000)
const input: fc.Arbitrary<WaitInput> = fc
  .record({
    ...{ joinedMs: ms, refusedAfterMs: ms, passedMs: ms, givenAgoMs: fc.option(ms, { nil: undefined }) },
    ...{ isQueued: fc.boolean(), isThere: fc.boolean(), fetchMs: fc.option(ms, { nil: undefined }) },
    ...{ got: fc.nat(50), gotAgoMs: ms, missing: fc.integer({ min: 1, max: 100 }) },
  })
  .map(({ joinedMs, refusedAfterMs, passedMs, givenAgoMs, got, gotAgoMs, missing, ...same }) => {
    const refusedMs = joinedMs + refusedAfterMs
    const nowMs = refusedMs + passedMs
    const gotMs = got === 0 ? undefined : Math.max(joinedMs, nowMs - gotAgoMs)
    const givenMs = givenAgoMs === undefined ? undefined : nowMs - Math.min(nowMs, givenAgoMs)
    return { ...same, nowMs, refusedMs, givenMs, asker: { joinedMs, got, gotMs, missing } }
  })

test('nobody waits longer than a reader can, and who gets nothing any more waits less', () => {
  fc.assert(
    fc.property(input, (it) => {
      const endMs = it.nowMs + admissionWaitMs(it)
      expect(endMs).toBeLessThanOrEqual(it.refusedMs + 24_000)
      expect(endMs).toBeLessThanOrEqual(Math.max(it.refusedMs, it.asker.gotMs ?? 0) + 16_000)
    }),
  )
})

test('an agent that was refused just now waits, and a slower fetch never makes the wait shorter', () => {
  fc.assert(
    fc.property(input, ms, (it, slowerMs) => {
      const now = { ...it, nowMs: it.refusedMs }
      expect(admissionWaitMs(now)).toBeGreaterThanOrEqual(1_000)
      if (now.fetchMs === undefined) return
      const slow = admissionWaitMs({ ...now, fetchMs: now.fetchMs + slowerMs })
      expect(slow).toBeGreaterThanOrEqual(admissionWaitMs(now))
    }),
  )
})
