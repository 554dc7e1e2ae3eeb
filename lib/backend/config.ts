import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { drivers, takesWrites } from './drivers.ts'
import { repositoryGlob, sampleOf } from './repository-glob.ts'
import { shadowSchemaOf } from './shadow/config.ts'

const schemas = Object.values(drivers).map(({ schema }) => schema)
type DriverSchema = (typeof schemas)[number]

/** One backend, by driver. zod wants to be told that the list is not empty. */
const singleSchema = z.discriminatedUnion('driver', schemas as [DriverSchema, ...DriverSchema[]])

const shadowSchema = shadowSchemaOf(singleSchema).refine(
  ({ primary, secondary }) => !isDeepStrictEqual(primary, secondary),
  'primary and secondary are the same backend',
)

/** One backend, or two as one. */
export const backendSchema = z.discriminatedUnion('driver', [...singleSchema.options, shadowSchema])

export type BackendConfig = z.infer<typeof backendSchema>

/** The driver that takes no writes, as its config says; undefined when all of the backend does. */
function readOnlyDriver(backend: BackendConfig): string | undefined {
  if (backend.driver !== 'shadow') return takesWrites(backend) ? undefined : backend.driver
  const { primary, secondary, writes } = backend
  return readOnlyDriver(primary) ?? (writes === 'both' ? readOnlyDriver(secondary) : undefined)
}

/** Repositories by their text form; `*` stands for any characters. */
const patternSchema = z
  .string()
  .regex(/^[a-z0-9._/:*-]+$/, 'a repository has lower-case letters, digits, ".", "_", "-", "/", and ":" before a port')
  .refine((pattern) => sampleOf(pattern) !== undefined, {
    message: 'fits no repository; one of ours whose first part has a dot, or is localhost, starts with "./"',
  })

/** Takes `namespace`, the word of Kraken's configs, for the key `repository`. */
function withRepositoryKey(rule: unknown, ctx: z.core.$RefinementCtx): unknown {
  if (typeof rule !== 'object' || rule === null || !('namespace' in rule)) return rule
  const { namespace, ...rest } = rule
  if (!('repository' in rest)) return { ...rest, repository: namespace }
  ctx.addIssue({ code: 'custom', path: ['namespace'], message: 'is another word for repository: give one of the two' })
  return rest
}

/** `store` is the earlier name of `backend`, and means the same. */
const durabilitySchema = z
  .enum(['backend', 'replicas', 'store'])
  .default('backend')
  .transform((value) => (value === 'store' ? 'backend' : value))

/** Which backend holds the blobs of which repositories; the first rule that fits counts. */
export const backendRulesSchema = z
  .array(
    z.preprocess(
      withRepositoryKey,
      z.strictObject({
        repository: patternSchema,
        /** What the keys in the backend start with; ends in `/`. */
        path: z.union([z.literal(''), z.string().endsWith('/')]).default(''),
        backend: backendSchema,
        /**
         * What a push is acknowledged by: `backend`: the backend has the blob; `replicas`: two origins at least have it,
         * each with the durable task to write it to the backend.
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
      const message = `must be "backend": a backend of the driver ${driver} that is only read never takes what waits for it`
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
