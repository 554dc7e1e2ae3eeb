import { z } from 'zod'
import { backendSchema } from '../../../lib/backend/index.ts'
import { type ServiceKind, serviceFacts, serviceKinds } from '../../../lib/service/index.ts'
import { doors } from '../../../services/herd/index.ts'
import { chartValues } from './values.ts'

/** A part of a JSON Schema. */
type Schema = { [key: string]: unknown }

/** What Helm 3 reads; Helm 4 does as well. */
const target = 'draft-7'

/** Rewrites each `$ref` of a schema whose definitions get other names. */
function renamed(value: unknown, name: (old: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, name))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (key !== '$ref' || typeof inner !== 'string') return [key, renamed(inner, name)]
      return [key, `#/definitions/${name(inner.replace('#/definitions/', ''))}`]
    }),
  )
}

const without = (schema: Schema, name: string): Schema =>
  Object.fromEntries(Object.entries(schema).filter(([key]) => key !== name))

/** What the regular expressions of Go do not know; the service itself still looks. */
const LOOK_AROUND = /\(\?<?[=!]/

/** A schema with its parts, each of which stands once among the definitions, below a prefix. */
function withParts(schema: z.ZodType, prefix: string): { readonly whole: Schema; readonly parts: Schema } {
  const { definitions = {}, ...made } = z.toJSONSchema(schema, {
    ...{ io: 'input', target, reused: 'ref', unrepresentable: 'any' },
    override: ({ jsonSchema }) => {
      // Helm merges no defaults of a schema; values.yaml and the services have them.
      delete jsonSchema.default
      if (jsonSchema.format !== 'uri') delete jsonSchema.format
      if (LOOK_AROUND.test(jsonSchema.pattern ?? '')) delete jsonSchema.pattern
    },
  }) as Schema & { definitions?: Schema }
  const name = (old: string) => `${prefix}.${old.replaceAll('_', '')}`
  const parts = Object.entries(definitions).map(([old, part]) => [name(old), renamed(part, name)] as const)
  const whole = without(made, '$schema')
  return { whole: renamed(whole, name) as Schema, parts: Object.fromEntries(parts) }
}

/** What zod cannot show: a table of labels has its own parser. */
const LABELS = { type: 'object', additionalProperties: { type: 'string' } }

/** The config of a service, as it may stand in `config` (without secrets) and in `secretConfig`. */
function configDefinitions(kind: ServiceKind): Schema {
  const service = serviceFacts(kind).name
  const { whole, parts } = withParts(doors[kind].schema, service)
  const { properties, ...rest } = whole as Schema & { readonly properties: Schema }
  if ('labels' in properties) properties['labels'] = LABELS
  const open = without(properties, 'secrets')
  return {
    [`${service}.config`]: { ...rest, properties: open },
    [`${service}.secretConfig`]: { ...rest, properties },
    ...parts,
  }
}

/** The JSON Schema of the values of docker/chart: the keys of the chart, and every key of the configs of all services. */
export function valuesSchema(): Schema {
  const values = z.toJSONSchema(chartValues, { io: 'input', target, unrepresentable: 'any' }) as Schema
  const backend = withParts(backendSchema, 'backend')
  const definitions = [{ backend: backend.whole, ...backend.parts }, ...serviceKinds.map(configDefinitions)]
  return { ...values, definitions: Object.assign({}, ...definitions) as Schema }
}

/** The content of docker/chart/values.schema.json. */
export const valuesSchemaText = (): string => `${JSON.stringify(valuesSchema(), null, 1)}\n`
