import { isLiveKind, type LiveKind, liveKeys, liveSchemas } from '../live-keys.ts'
import { jsonSchemaOf } from '../openapi.ts'
import { parseBody } from '../schemas.ts'
import { steeringBodySchema } from '../steering.ts'

/** Kinds of services that obey settings while they run. */
export const liveKinds = Object.keys(liveKeys).filter(isLiveKind)

/** What each kind of service obeys while it runs, as a JSON schema for whoever makes a form of it. */
export const liveJsonSchemas = (): Readonly<Record<string, unknown>> =>
  Object.fromEntries(liveKinds.map((kind) => [kind, schemaOf(kind)]))

function schemaOf(kind: LiveKind): Readonly<Record<string, unknown>> {
  const properties = [...liveSchemas(kind)].map(([key, schema]) => [key, jsonSchemaOf(schema)])
  return { type: 'object', additionalProperties: false, properties: Object.fromEntries(properties) }
}

/** @throws BODY_INVALID when a service of this kind would not take the values */
export function checkLiveValues(kind: string, values: Readonly<Record<string, unknown>>): void {
  const layer = { id: 'settings', generation: 1, kind, scope: { all: true }, values }
  parseBody(steeringBodySchema, { manager: '-', generation: 1, layers: [layer] })
}
