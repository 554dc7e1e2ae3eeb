import { expect, test } from '@jest/globals'
import { appError, fakeClock } from '../../../lib/base/index.ts'
import { lookBudget } from '../../../lib/http/index.ts'
import { recordingMetrics } from '../../../lib/telemetry/index.ts'

const from = (remoteAddress: string) => ({ socket: { remoteAddress } })
const [one, two] = [from('10.0.0.1'), from('10.0.0.2')]
const full = expect.objectContaining({ code: 'TOOMANYREQUESTS' })

function made() {
  const [clock, metrics] = [fakeClock(), recordingMetrics()]
  return { clock, metrics, budget: lookBudget({ clock, metrics }, { perSecond: 2, burst: 3 }) }
}

test('a caller that asks in vain is refused after the burst, and others are not', async () => {
  const { budget, clock, metrics } = made()
  for (let i = 0; i < 3; i += 1) budget.pay(one)
  expect(() => budget.pay(one)).toThrow(full)
  budget.pay(two)
  expect(metrics.value('shoal_http_looks_refused_total')).toBe(1)
  await clock.advance(500)
  budget.pay(one)
  expect(() => budget.pay(one)).toThrow(full)
})

test('a look that finds something, or fails, costs nothing, however often it is paid back', async () => {
  const { budget } = made()
  for (let i = 0; i < 20; i += 1) {
    await budget.during(one, async () => 'found')
    await budget.during(one, () => Promise.reject(appError('BACKEND_UNAVAILABLE'))).catch(() => undefined)
  }
  const payBack = budget.pay(one)
  payBack()
  payBack()
  const nowhere = () => budget.during(one, () => Promise.reject(appError('BLOB_UNKNOWN')))
  for (let i = 0; i < 3; i += 1) await expect(nowhere()).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
  await expect(nowhere()).rejects.toEqual(full)
})

test('many at once pay before they look', () => {
  const { budget } = made()
  const never = () => new Promise(() => undefined)
  const outcomes = Array.from({ length: 5 }, () => budget.during(one, never))
  return Promise.all(outcomes.slice(3).map((outcome) => expect(outcome).rejects.toEqual(full)))
})
