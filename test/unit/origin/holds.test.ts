import { describe, expect, test } from '@jest/globals'
import { fakeClock } from '../../../lib/base/index.ts'
import { holds } from '../../../services/origin/bring/holds.ts'

function started() {
  const clock = fakeClock()
  const events: string[] = []
  let kept = 0
  const keep = () => {
    kept += 1
    return () => {
      kept -= 1
    }
  }
  const held = holds(clock, { idleMs: 1000, onGone: () => events.push('gone'), keep })
  held.listen(() => events.push(`whole ${held.whole}, over ${held.over}`))
  return { clock, events, held, kept: () => kept }
}

describe('a blob that is brought', () => {
  test('is wanted by nobody at first, and over when nobody has come for a while, and gone after another', async () => {
    const { clock, events, held } = started()
    await clock.advance(999)
    expect(held.over).toBe(false)
    await clock.advance(1)
    expect(held.over).toBe(true)
    expect(events).toEqual(['whole false, over true'])
    await clock.advance(1000)
    expect(events).toEqual(['whole false, over true', 'gone'])
  })

  test('is not over while one of those who want it is left', async () => {
    const { clock, held } = started()
    const [one, other] = [held.take(), held.take()]
    one()
    one()
    expect(held.count).toBe(1)
    await clock.advance(60_000)
    expect(held.over).toBe(false)
    other()
    await clock.advance(1000)
    expect(held.over).toBe(true)
  })

  test('is wanted again when somebody comes before it is gone', async () => {
    const { clock, events, held } = started()
    await clock.advance(1500)
    const release = held.take()
    expect(held.over).toBe(false)
    await clock.advance(60_000)
    expect(events).toEqual(['whole false, over true', 'whole false, over false'])
    release()
    await clock.advance(999)
    expect(held.over).toBe(false)
  })

  test('is wanted whole as long as one wants the whole', () => {
    const { events, held } = started()
    const part = held.take()
    const whole = held.take({ whole: true })
    expect(held.whole).toBe(true)
    whole()
    expect(held.whole).toBe(false)
    part()
    expect(events).toEqual(['whole true, over false', 'whole false, over false'])
  })

  test('is kept while somebody wants it, and no longer than it is brought', () => {
    const { held, kept } = started()
    expect(kept()).toBe(0)
    const [one, other] = [held.take(), held.take()]
    expect(kept()).toBe(1)
    one()
    expect(kept()).toBe(1)
    other()
    other()
    expect(kept()).toBe(0)
    const last = held.take()
    expect(kept()).toBe(1)
    held.stop()
    expect(kept()).toBe(0)
    last()
    held.take()
    expect(kept()).toBe(0)
  })

  test('sets no timer when it is stopped', async () => {
    const { clock, events, held } = started()
    const release = held.take()
    held.stop()
    release()
    expect(clock.pending).toBe(0)
    await clock.advance(60_000)
    expect(events).toEqual([])
  })
})
