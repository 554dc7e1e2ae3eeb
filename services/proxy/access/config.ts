import { z } from 'zod'
import { baseUrl, duration, repositoryPattern } from '../../../lib/config/index.ts'
import { ruleActions } from '../../../lib/identity/index.ts'

/** A rule for nobody, nothing or no action is a mistake. */
const some = <T extends z.ZodType>(item: T) => z.array(item).min(1)

const caller = z
  .string()
  .regex(
    /^(?:anonymous|\*|(?:user|token):[\x21-\x39\x3b-\x7e]+)$/,
    'a caller is anonymous, user:NAME or token:NAME; * stands for any characters',
  )

const rule = z.strictObject({
  who: some(caller),
  repositories: some(repositoryPattern),
  actions: some(z.enum(ruleActions)),
})

/** A service of tokens has a name that fits into a header. */
const service = z.string().regex(/^[\w.:-]{1,128}$/, 'letters, digits, ".", "_", ":" and "-"')

const MIN_LIFETIME_MS = 60_000
const MAX_LIFETIME_MS = 86_400_000

/** Who may do what, repository by repository; without any of it, secrets and `anonymous` say so for all repositories. */
export const accessSchema = z
  .strictObject({
    rules: z.array(rule).default([]),
    /** A file of users and the hashes of their passwords, as `htpasswd -B` writes it. */
    users: z.string().min(1).exactOptional(),
    /** A file of named tokens, as `shoal token` writes it. */
    tokens: z.string().min(1).exactOptional(),
    /** The bearer tokens that clients get after a log-in. */
    bearer: z
      .strictObject({
        /** Where clients get them; default: `/token` of the registry, by the name that the request called it by. */
        realm: baseUrl.exactOptional(),
        /** The name of the registry in them; the same at all proxies of a cluster. */
        service: service.default('shoal'),
        lifetime: duration
          .refine((ms) => ms >= MIN_LIFETIME_MS && ms <= MAX_LIFETIME_MS, 'a lifetime is 1m to 1d')
          .prefault('5m'),
        /** A file with keys in PEM; default: a key that follows from `registry.uploadSecret`. */
        keys: z.string().min(1).exactOptional(),
      })
      .prefault({}),
  })
  .prefault({})

export type AccessConfig = z.output<typeof accessSchema>
