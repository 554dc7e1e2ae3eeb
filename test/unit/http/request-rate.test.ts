import { expect, test } from '@jest/globals'
import { type AppError, fakeClock } from '../../../lib/base/index.ts'
import { type RequestRateInit, requestRate } from '../../../lib/http/index.ts'
import { headersOf } from '../../../lib/http/refusal.ts'
import { recordingMetrics } from '../../../lib/telemetry/index.ts'

const from = (remoteAddress: string) => ({ socket: { remoteAddress } })
const [one, two] = [from('10.0.0.1'), from('10.0.0.2')]

function made(init: Partial<RequestRateInit> = {}) {
  const [clock, metrics] = [fakeClock(), recordingMetrics()]
  const rate = requestRate({ clock, metrics }, { listener: 'registry', perSecond: 5, code: 'TOOMANYREQUESTS', ...init })
  const refusalOf = (req: typeof one) => {
    try {
      rate.count(req)
      return undefined
    } catch (err) {
      const refused = err as AppError
      return { code: refused.code, retryAfter: headersOf(refused)['retry-after'] }
    }
  }
  const passes = (req: typeof one, tries: number) =>
    Array.from({ length: tries }, () => refusalOf(req)).filter((refused) => refused === undefined).length
  return { clock, metrics, refusalOf, passes }
}

test('a client that sends too many is refused until its share comes again, and others are not', async () => {
  const { clock, metrics, refusalOf, passes } = made()
  expect(passes(one, 300)).toBe(100)
  expect(refusalOf(one)).toEqual({ code: 'TOOMANYREQUESTS', retryAfter: 1 })
  expect(metrics.value('shoal_http_limited_total', { listener: 'registry', limit: 'requests' })).toBe(201)
  expect(refusalOf(two)).toBeUndefined()
  await clock.advance(1000)
  expect(passes(one, 20)).toBe(5)
  await clock.advance(60 * 60_000)
  expect(passes(one, 300)).toBe(100)
})

test('clients that repeat what was refused at once get no more for it', async () => {
  const { clock, passes } = made()
  passes(one, 100)
  let passed = 0
  for (let i = 0; i < 100; i += 1) {
    passed += passes(one, 50)
    await clock.advance(100)
  }
  expect(passed).toBeGreaterThanOrEqual(49)
  expect(passed).toBeLessThanOrEqual(50)
})

test('a rate of less than one says how long to wait', () => {
  const { passes, refusalOf } = made({ perSecond: 0.1 })
  expect(passes(one, 5)).toBe(2)
  expect(refusalOf(one)).toEqual({ code: 'TOOMANYREQUESTS', retryAfter: 10 })
})

test('a mirror says that it is not available, and where no rate is set nobody is refused', () => {
  const mirror = made({ code: 'UNAVAILABLE' })
  mirror.passes(one, 100)
  expect(mirror.refusalOf(one)?.code).toBe('UNAVAILABLE')
  expect(made({ perSecond: undefined }).passes(one, 10_000)).toBe(10_000)
})

test('of very many clients those that were not seen for longest are forgotten', () => {
  const { passes, refusalOf } = made()
  const client = (i: number) => from(`10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`)
  expect(passes(client(0), 101)).toBe(100)
  for (let i = 1; i < 9_000; i += 1) refusalOf(client(i))
  expect(refusalOf(client(0))).toBeDefined()
  for (let i = 1; i < 11_000; i += 1) refusalOf(client(i))
  expect(refusalOf(client(0))).toBeUndefined()
})

test('addresses of one network of IPv6 are one client', () => {
  const { passes } = made()
  const addresses = Array.from({ length: 200 }, (_, i) => from(`2001:db8::${i.toString(16)}`))
  expect(addresses.filter((each) => passes(each, 1) === 1)).toHaveLength(100)
})
