import { describe, expect, test } from '@jest/globals'
import { fakeClock } from '../../../lib/base/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import { departure } from '../../../services/agent/departure.ts'

const lab = (afterMs = 25_000, closeMs = 20_000) => {
  const clock = fakeClock()
  const leaving = departure({ clock, logger: silentLogger() }, { afterMs, closeMs })
  const state = { isOver: false }
  const stop = () => {
    leaving.part.stop().then(
      () => {
        state.isOver = true
      },
      () => undefined,
    )
  }
  return { clock, leaving, stop, state }
}

describe('the departure of an agent', () => {
  test('serves, leaves, and closes when its time has passed; the second call does not begin it again', async () => {
    const { clock, leaving } = lab()
    expect([leaving.state, leaving.check()]).toEqual(['serving', undefined])
    leaving.leave()
    expect(leaving.check()).toMatch(/^leaving/)
    await clock.advance(24_999)
    leaving.leave()
    expect(leaving.state).toBe('leaving')
    await clock.advance(1)
    expect(leaving.state).toBe('closing')
    leaving.stay()
    expect([leaving.state, leaving.check()]).toEqual(['serving', undefined])
  })

  test('is done by a stop, which waits for the rest of it', async () => {
    const { clock, leaving, stop, state } = lab()
    leaving.leave()
    await clock.advance(20_000)
    stop()
    await clock.advance(5_000)
    expect([leaving.state, state.isOver]).toEqual(['closing', false])
    await clock.advance(19_999)
    expect(state.isOver).toBe(false)
    await clock.advance(1)
    expect(state.isOver).toBe(true)
  })

  test('takes no time where nobody finds the agent by a name', async () => {
    const { clock, leaving, stop, state } = lab(0, 0)
    stop()
    await clock.advance(0)
    expect([leaving.state, state.isOver]).toEqual(['closing', true])
  })
})
