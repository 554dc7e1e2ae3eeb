import { describe, expect, test } from '@jest/globals'
import { parseCron } from '../../../../services/manager/jobs/schedules/cron.ts'

const at = (text: string) => Date.parse(text)
const shown = (ms: number | undefined) => (ms === undefined ? 'never' : new Date(ms).toISOString().slice(0, 16))

describe('a schedule', () => {
  test.each([
    ['* * * * *', 'UTC', '2026-01-01T00:00:30Z', '2026-01-01T00:01'],
    ['0 3 * * *', 'UTC', '2026-01-01T03:00:00Z', '2026-01-02T03:00'],
    ['0 3 * * *', 'Asia/Shanghai', '2026-01-01T00:00:00Z', '2026-01-01T19:00'],
    ['*/15 8-10 * * mon-fri', 'UTC', '2026-01-02T10:45:00Z', '2026-01-05T08:00'],
    ['0 0 29 feb *', 'UTC', '2026-01-01T00:00:00Z', '2028-02-29T00:00'],
    ['0 0 13 * 5', 'UTC', '2026-01-01T00:00:00Z', '2026-01-02T00:00'],
    ['0 0 */2 * 0', 'UTC', '2026-01-01T00:00:00Z', '2026-01-11T00:00'],
    ['0 0 * * 7', 'UTC', '2026-01-01T00:00:00Z', '2026-01-04T00:00'],
    ['5/20 * * * *', 'UTC', '2026-01-01T00:05:00Z', '2026-01-01T00:25'],
    ['30 5 * * *', 'Asia/Kolkata', '2026-01-01T00:00:00Z', '2026-01-02T00:00'],
    // The clock of Berlin skips this in March, and shows it twice in October.
    ['30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', '2026-03-30T00:30'],
    ['30 2 * * *', 'Europe/Berlin', '2026-10-25T00:30:00Z', '2026-10-26T01:30'],
    ['30 * * * *', 'Europe/Berlin', '2026-10-25T00:30:00Z', '2026-10-25T01:30'],
  ])('%s in %s comes after %s at %s', (cron, zone, after, next) => {
    expect(shown(parseCron(cron, zone).next(at(after)))).toBe(next)
  })

  test('that names a day that does not exist never comes', () => {
    expect(parseCron('0 0 31 4,6,9,11 *', 'UTC').next(at('2026-01-01T00:00:00Z'))).toBeUndefined()
  })

  test.each([
    '',
    '* * * *',
    '60 * * * *',
    '* 24 * * *',
    '* * 0 * *',
    '* * * 13 *',
    '* * * * 8',
    '5-1 * * * *',
    '*/0 * * * *',
    'a * * * *',
    '1,,2 * * * *',
    '1-2-3 * * * *',
    '*/2/3 * * * *',
  ])('"%s" is refused', (cron) => {
    expect(() => parseCron(cron, 'UTC')).toThrow(expect.objectContaining({ code: 'CRON_INVALID' }))
  })

  test('of a place that nobody knows is refused', () => {
    expect(() => parseCron('* * * * *', 'Mars/Olympus')).toThrow(expect.objectContaining({ code: 'CRON_INVALID' }))
  })
})
