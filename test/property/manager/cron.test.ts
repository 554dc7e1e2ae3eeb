import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { parseCron } from '../../../services/manager/jobs/schedules/cron.ts'
import { fuzzRuns } from '../../kit/fuzz-runs.ts'

const MINUTE_MS = 60_000
const field = (min: number, max: number) =>
  fc.oneof(
    fc.constant('*'),
    fc.integer({ min, max }).map(String),
    fc.tuple(fc.integer({ min, max }), fc.integer({ min, max })).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
    fc.integer({ min: 1, max: 30 }).map((step) => `*/${step}`),
  )
const times = fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2035, 0) })

const valuesOf = (text: string, min: number, max: number) => {
  const [range = '', step = '1'] = text.split('/')
  const [from, to = from] = range === '*' ? [String(min), String(max)] : range.split('-')
  return (value: number) => value >= Number(from) && value <= Number(to) && (value - Number(from)) % Number(step) === 0
}

test('the next time of a schedule is the first minute that fits, by a plain look at every minute', () => {
  const hourly = fc.tuple(field(0, 59), field(0, 23), times)
  fc.assert(
    fc.property(hourly, ([minute, hour, after]) => {
      const [fitsMinute, fitsHour] = [valuesOf(minute, 0, 59), valuesOf(hour, 0, 23)]
      let plain = (Math.floor(after / MINUTE_MS) + 1) * MINUTE_MS
      while (!fitsMinute(new Date(plain).getUTCMinutes()) || !fitsHour(new Date(plain).getUTCHours()))
        plain += MINUTE_MS
      expect(parseCron(`${minute} ${hour} * * *`, 'UTC').next(after)).toBe(plain)
    }),
    fuzzRuns('times of schedules', 60),
  )
})

test('no text makes the parser fail otherwise than by its code', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...Array.from('0123456789*/,- monjan')), maxLength: 40 }), (text) => {
      try {
        parseCron(text, 'UTC')
      } catch (err) {
        expect(err).toMatchObject({ code: 'CRON_INVALID' })
      }
    }),
    fuzzRuns('texts of schedules', 500),
  )
})
