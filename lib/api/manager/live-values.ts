import { appError } from '../../base/index.ts'
import { liveFaults } from '../live-faults.ts'
import { isLiveKind, type LiveKind, liveKeys, liveSchemas } from '../live-keys.ts'
import { jsonSchemaOf } from '../openapi.ts'

/** Kinds of services that obey settings while they run. */
export const liveKinds = Object.keys(liveKeys).filter(isLiveKind)

/** What each kind of service obeys while it runs, as a JSON schema for whoever makes a form of it. */
export const liveJsonSchemas = (): Readonly<Record<string, unknown>> =>
  Object.fromEntries(liveKinds.map((kind) => [kind, schemaOf(kind)]))

function schemaOf(kind: LiveKind): Readonly<Record<string, unknown>> {
  const properties = [...liveSchemas(kind)].map(([key, schema]) => [key, jsonSchemaOf(schema)])
  return { type: 'object', additionalProperties: false, properties: Object.fromEntries(properties) }
}

/** @throws BODY_INVALID when a service of this kind would not take the values; its detail says why, by key */
export function checkLiveValues(kind: string, values: Readonly<Record<string, unknown>>): void {
  const faults = isLiveKind(kind) ? [...liveFaults(kind, values)] : []
  const [first] = faults
  if (first === undefined) return
  throw appError('BODY_INVALID', {
    message: `the body of the request is malformed: values.${first.key}: ${first.brief}`,
    detail: { keys: Object.fromEntries(faults.map(({ key, brief }) => [key, brief])) },
  })
}
