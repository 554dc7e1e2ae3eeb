import { type LiveValues, liveSchemas, type TrackerSettings } from '../../../lib/api/index.ts'
import { appError } from '../../../lib/base/index.ts'

/** What the live keys of a tracker are called where admins set them. */
const names = {
  policy: 'policy',
  'announce.perSecond': 'perSecond',
  'announce.minInterval': 'minIntervalMs',
  'announce.maxInterval': 'maxIntervalMs',
} as const satisfies Record<keyof LiveValues<'tracker'>, keyof TrackerSettings>

const isLive = (key: string): key is keyof typeof names => Object.hasOwn(names, key)

/** What a manager wants of a tracker, as admins would set it. @throws SETTING_UNKNOWN, SETTING_INVALID */
export function ownSettings(values: Readonly<Record<string, unknown>>): TrackerSettings {
  const schemas = liveSchemas('tracker')
  const settings = Object.entries(values).map(([key, value]) => {
    if (!isLive(key)) throw appError('SETTING_UNKNOWN', { message: `no key "${key}" changes while this tracker runs` })
    const parsed = schemas.get(key)?.safeParse(value)
    if (parsed?.success !== true)
      throw appError('SETTING_INVALID', { message: `${key}: ${parsed?.error.issues[0]?.message ?? 'malformed'}` })
    return [names[key], parsed.data] as const
  })
  return Object.fromEntries(settings)
}
