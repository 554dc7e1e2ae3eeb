import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { repositoryPattern } from '../config/index.ts'
import { repositoryGlob } from '../core/index.ts'
import { drivers, takesWrites } from './drivers.ts'
import { shadowSchemaOf } from './shadow/config.ts'

const schemas = Object.values(drivers).map(({ schema }) => schema)
type DriverSchema = (typeof schemas)[number]

/** One backend, by driver. zod wants to be told that the list is not empty. */
const singleSchema = z.discriminatedUnion('driver', schemas as [DriverSchema, ...DriverSchema[]])

const shadowSchema = shadowSchemaOf(singleSchema).refine(
  ({ primary, secondary }) => !isDeepStrictEqual(primary, secondary),
  'primary and secondary are the same backend',
)

/** One backend, or two combined (`shadow`). */
export const backendSchema = z.discriminatedUnion('driver', [...singleSchema.options, shadowSchema])

export type BackendConfig = z.infer<typeof backendSchema>

/** The read-only driver in this config, if any; undefined when the whole backend accepts writes. */
function readOnlyDriver(backend: BackendConfig): string | undefined {
  if (backend.driver !== 'shadow') return takesWrites(backend) ? undefined : backend.driver
  const { primary, secondary, writes } = backend
  return readOnlyDriver(primary) ?? (writes === 'both' ? readOnlyDriver(secondary) : undefined)
}

/** Accepts `namespace`, the word in Kraken's configs, as an alias of the key `repository`. */
function withRepositoryKey(rule: unknown, ctx: z.core.$RefinementCtx): unknown {
  if (typeof rule !== 'object' || rule === null || !('namespace' in rule)) return rule
  const { namespace, ...rest } = rule
  if (!('repository' in rest)) return { ...rest, repository: namespace }
  ctx.addIssue({
    code: 'custom',
    path: ['namespace'],
    message: 'means the same as repository: give only one of the two',
  })
  return rest
}

/** `store` is the old name of `backend` and means the same. */
const durabilitySchema = z
  .enum(['backend', 'replicas', 'store'])
  .default('backend')
  .transform((value) => (value === 'store' ? 'backend' : value))

/** Which backend holds the blobs of which repositories; the first matching rule applies. */
export const backendRulesSchema = z
  .array(
    z.preprocess(
      withRepositoryKey,
      z.strictObject({
        repository: repositoryPattern,
        /** Prefix of all keys in the backend; ends in `/`. */
        path: z.union([z.literal(''), z.string().endsWith('/')]).default(''),
        backend: backendSchema,
        /**
         * When a push is acknowledged. `backend`: when the backend has the blob. `replicas`: when at least two origins
         * have it, each with a durable task to write it to the backend.
         */
        durability: durabilitySchema,
      }),
    ),
  )
  .min(1)
  .superRefine((rules, ctx) => {
    for (const [index, { durability, backend }] of rules.entries()) {
      const driver = readOnlyDriver(backend)
      if (durability === 'backend' || driver === undefined) continue
      const message = `must be "backend": a backend of the driver ${driver} that is read-only never accepts the waiting blobs`
      ctx.addIssue({ code: 'custom', path: [index, 'durability'], message })
    }
  })
  .superRefine((rules, ctx) => {
    for (const [index, { repository }] of rules.entries()) {
      const before = rules.slice(0, index).find((rule) => repositoryGlob(rule.repository).covers(repository))
      if (before === undefined) continue
      const message = `is never reached: the rule for "${before.repository}" before it fits the same repositories`
      ctx.addIssue({ code: 'custom', path: [index, 'repository'], message })
    }
  })

export type Durability = BackendRules[number]['durability']

export type BackendRules = z.infer<typeof backendRulesSchema>
