import { nearest } from '../base/index.ts'
import { type LiveKind, liveSchemas } from './live-keys.ts'

/** A key that no service of a kind would take so. */
export interface LiveFault {
  readonly key: string
  /** What is wrong with it, after the name of whoever sets it. */
  readonly message: string
  /** The same without the key. */
  readonly brief: string
}

/** What a service of this kind would refuse, in the order of the keys. */
export function* liveFaults(kind: LiveKind, values: Readonly<Record<string, unknown>>): Generator<LiveFault> {
  const schemas = liveSchemas(kind)
  for (const [key, value] of Object.entries(values)) {
    const schema = schemas.get(key)
    if (schema === undefined) {
      const near = nearest(key, [...schemas.keys()])
      const hint = near === undefined ? '' : `; did you mean ${near}?`
      yield {
        ...{ key, message: `sets "${key}", which no ${kind} changes while it runs${hint}` },
        brief: `no ${kind} changes it while it runs${hint}`,
      }
      continue
    }
    const parsed = schema.safeParse(value)
    if (parsed.success) continue
    const brief = parsed.error.issues[0]?.message ?? 'malformed'
    yield { key, message: `sets ${key} wrongly: ${brief}`, brief }
  }
}
