import { describe, expect, test } from '@jest/globals'
import { waitCauses } from '../../../../lib/core/index.ts'
import { sideOf, speedOf, stretchOf } from '../../../../services/manager/console/src/pure/pull-time.ts'
import type { WaitCause } from '../../../../services/manager/console/src/state/pulls.ts'

describe('the time of a pull', () => {
  test('each wait lies in the hands that agents say', () => {
    const known = Object.entries(waitCauses).map(([cause, { side }]) => [cause, side])
    const shown = Object.keys(waitCauses).map((cause) => [cause, sideOf(cause as WaitCause)])
    expect(shown).toEqual(known)
  })

  test.each([
    [{ atMs: 0, ms: 500 }, 1000, { from: 0, width: 50 }],
    [{ atMs: 750, ms: 250 }, 1000, { from: 75, width: 25 }],
    [{ atMs: 999, ms: 1 }, 1000, { from: 99.5, width: 0.5 }],
    [{ atMs: 900, ms: 600 }, 1000, { from: 60, width: 40 }],
    [{ atMs: 0, ms: 0 }, 0, { from: 0, width: 0.5 }],
  ])('the wait %p of %p ms is seen, and stays within the pull', (wait, totalMs, stretch) => {
    expect(stretchOf(wait, totalMs)).toEqual(stretch)
  })

  test('its speed is that of all its bytes, when there are any', () => {
    const bytes = { peer: 1000, origin: 500, http: 0, cache: 500 }
    expect(speedOf({ bytes, totalMs: 1000 })).toBe(2000)
    expect(speedOf({ bytes, totalMs: 0 })).toBeUndefined()
    expect(speedOf({ bytes: { peer: 0, origin: 0, http: 0, cache: 0 }, totalMs: 9 })).toBeUndefined()
  })
})
