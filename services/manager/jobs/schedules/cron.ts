import { appError } from '../../../../lib/base/index.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** So far is looked for the next time: what does not come within 8 years is a mistake. */
const HORIZON_MS = 8 * 366 * 24 * HOUR_MS

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

interface FieldShape {
  readonly name: string
  readonly min: number
  readonly max: number
  readonly words?: readonly string[]
}

const shapes: readonly FieldShape[] = [
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of month', min: 1, max: 31 },
  { name: 'month', min: 1, max: 12, words: months },
  { name: 'day of week', min: 0, max: 7, words: days },
]

interface Field {
  readonly any: boolean
  readonly values: ReadonlySet<number>
}

/** When something is to happen, by the clock of a place. */
export interface Cron {
  /** The first time after this one, milliseconds since the epoch; undefined when there is none for years. */
  next(afterMs: number): number | undefined
}

const refuse = (message: string) => appError('CRON_INVALID', { message })

function numberIn(text: string, { name, min, max, words = [] }: FieldShape): number {
  const word = words.indexOf(text.toLowerCase())
  const value = word >= 0 ? word + (name === 'month' ? 1 : 0) : Number(/^\d{1,2}$/.test(text) ? text : Number.NaN)
  if (Number.isNaN(value) || value < min || value > max)
    throw refuse(`the ${name} is ${min} to ${max}, not ${text.slice(0, 20)}`)
  return value
}

function rangeIn(text: string, shape: FieldShape): readonly number[] {
  const [range = '', step, ...more] = text.split('/')
  const by = step === undefined ? 1 : Number(/^\d{1,2}$/.test(step) ? step : Number.NaN)
  if (more.length > 0 || !(by >= 1)) throw refuse(`the step of the ${shape.name} is malformed`)
  const [from = '', to, ...rest] = range.split('-')
  if (rest.length > 0) throw refuse(`the ${shape.name} is malformed`)
  const first = range === '*' ? shape.min : numberIn(from, shape)
  const open = range === '*' || (to === undefined && step !== undefined)
  const last = open ? shape.max : to === undefined ? first : numberIn(to, shape)
  if (last < first) throw refuse(`a range of the ${shape.name} ends before its begin`)
  return Array.from({ length: Math.floor((last - first) / by) + 1 }, (_, i) => first + i * by)
}

function fieldIn(text: string, shape: FieldShape): Field {
  const values = new Set(text.split(',').flatMap((part) => rangeIn(part, shape)))
  // Sunday has two numbers.
  if (shape.name === 'day of week' && values.has(7)) values.add(0)
  return { any: text.startsWith('*'), values }
}

/** What the clock on the wall says somewhere. */
interface Wall {
  readonly minute: number
  readonly hour: number
  readonly day: number
  readonly month: number
  readonly weekday: number
}

/** @throws CRON_INVALID when nobody knows the place */
function wallClock(timeZone: string): (ms: number) => Wall {
  let format: Intl.DateTimeFormat
  try {
    format = new Intl.DateTimeFormat('en-US', {
      ...{ timeZone, hourCycle: 'h23', weekday: 'short' },
      ...{ month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' },
    })
  } catch (err) {
    throw appError('CRON_INVALID', { message: `no such time zone: ${timeZone.slice(0, 64)}`, cause: err })
  }
  return (ms) => {
    const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]))
    return {
      ...{ minute: Number(parts['minute']), hour: Number(parts['hour']), day: Number(parts['day']) },
      ...{ month: Number(parts['month']), weekday: days.indexOf((parts['weekday'] ?? '').toLowerCase()) },
    }
  }
}

/**
 * Five fields as in crontab(5): minute, hour, day of month, month, day of week; lists, ranges, steps, names. Where both days are
 * limited, either will do. A time that the clock skips does not come that day; one that it shows twice comes once, unless every
 * hour is meant.
 * @throws CRON_INVALID
 */
export function parseCron(text: string, timeZone: string): Cron {
  const fields = text.trim().split(/\s+/)
  if (fields.length !== shapes.length) throw appError('CRON_INVALID')
  const [minute, hour, day, month, weekday] = shapes.map((shape, i) => fieldIn(fields[i] ?? '', shape)) as [
    ...[Field, Field, Field, Field, Field],
  ]
  const wallAt = wallClock(timeZone)
  const isDay = (wall: Wall) => {
    if (!month.values.has(wall.month)) return false
    const [byDay, byWeekday] = [day.values.has(wall.day), weekday.values.has(wall.weekday)]
    return day.any || weekday.any ? byDay && byWeekday : byDay || byWeekday
  }
  const isAgain = (ms: number, wall: Wall) => {
    if (hour.any) return false
    const before = wallAt(ms - HOUR_MS)
    return before.hour === wall.hour && before.minute === wall.minute
  }
  return {
    next(afterMs) {
      let ms = (Math.floor(afterMs / MINUTE_MS) + 1) * MINUTE_MS
      const end = afterMs + HORIZON_MS
      while (ms < end) {
        const wall = wallAt(ms)
        if (!isDay(wall) || !hour.values.has(wall.hour)) ms += (60 - wall.minute) * MINUTE_MS
        else if (!minute.values.has(wall.minute) || isAgain(ms, wall)) ms += MINUTE_MS
        else return ms
      }
      return undefined
    },
  }
}
