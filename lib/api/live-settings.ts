import { appError, isAppError, nearest } from '../base/index.ts'
import { type LiveKind, type LiveValues, liveSchemas } from './live-keys.ts'

/** One live key of a running service. */
export interface LiveKey<Value> {
  /** As its config says. */
  readonly file: Value
  /** From now on. @throws when it cannot be so; then nothing has changed */
  set(value: Value): void
}

/** What obeys each live key of a kind of service; one that is missing does not compile. */
export type LiveKeysOf<Kind extends LiveKind> = {
  readonly [Key in keyof LiveValues<Kind>]: LiveKey<LiveValues<Kind>[Key]>
}

/** A live key as people see it. */
export interface ShownSetting {
  readonly key: string
  /** As parsed: bytes, bytes per second, milliseconds; null stands for no limit. */
  readonly file: unknown
  readonly live: unknown
  readonly isSteered: boolean
}

/** The live keys of a running service. */
export interface LiveSettings {
  /**
   * From now on these values hold, and for all other keys those of the file. All or nothing.
   * @throws SETTING_UNKNOWN, SETTING_INVALID
   */
  apply(values: Readonly<Record<string, unknown>>): void
  shown(): readonly ShownSetting[]
}

export interface LiveSettingsInit {
  /** Called when all keys are set, for those that hold together. @throws when they cannot be so */
  readonly settle?: () => void
}

/** @throws SETTING_INVALID for whatever `work` throws */
function saying(what: string, work: () => void): void {
  try {
    work()
  } catch (err) {
    const why = isAppError(err) ? err.message : 'cannot be set'
    throw appError('SETTING_INVALID', { message: `${what}: ${why}`, cause: err })
  }
}

/** Two of a kind are the same when they read the same. */
const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)

export function liveSettings<Kind extends LiveKind>(
  kind: Kind,
  keys: LiveKeysOf<Kind>,
  { settle }: LiveSettingsInit = {},
): LiveSettings {
  const schemas = liveSchemas(kind)
  const all = new Map(Object.entries(keys as Readonly<Record<string, LiveKey<unknown>>>))
  const live = new Map([...all].map(([key, { file }]) => [key, file]))
  let steered: ReadonlySet<string> = new Set()

  const parsed = (values: Readonly<Record<string, unknown>>): ReadonlyMap<string, unknown> => {
    const wanted = new Map([...all].map(([key, { file }]) => [key, file]))
    for (const [key, value] of Object.entries(values)) {
      const result = schemas.get(key)?.safeParse(value)
      if (result === undefined) {
        const near = nearest(key, [...schemas.keys()])
        const message = `no key "${key}" changes while this ${kind} runs${near === undefined ? '' : `; did you mean ${near}?`}`
        throw appError('SETTING_UNKNOWN', { message })
      }
      if (!result.success)
        throw appError('SETTING_INVALID', { message: `${key}: ${result.error.issues[0]?.message ?? 'malformed'}` })
      wanted.set(key, result.data)
    }
    return wanted
  }
  const setAll = (wanted: ReadonlyMap<string, unknown>): void => {
    for (const [key, value] of wanted) {
      if (isSame(live.get(key), value)) continue
      saying(key, () => all.get(key)?.set(value))
      live.set(key, value)
    }
    saying('together', () => settle?.())
  }
  return {
    apply(values) {
      const wanted = parsed(values)
      const before = new Map(live)
      try {
        setAll(wanted)
      } catch (err) {
        setAll(before)
        throw err
      }
      steered = new Set(Object.keys(values))
    },
    shown: () =>
      [...all].map(([key, { file }]) => ({
        ...{ key, file: file ?? null, live: live.get(key) ?? null, isSteered: steered.has(key) },
      })),
  }
}
