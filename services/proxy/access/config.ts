import { z } from 'zod'
import { baseUrl, duration, repositoryPattern } from '../../../lib/config/index.ts'
import { isLoopback, ruleActions } from '../../../lib/identity/index.ts'

/** A rule for nobody, nothing or no action is a mistake. */
const some = <T extends z.ZodType>(item: T) => z.array(item).min(1)

const caller = z
  .string()
  .regex(
    /^(?:anonymous|\*|(?:user|token|ci):[\x21-\x39\x3b-\x7e]+)$/,
    'a caller is anonymous, user:NAME, token:NAME or ci:NAME; * stands for any characters',
  )

const rule = z.strictObject({
  who: some(caller),
  repositories: some(repositoryPattern),
  actions: some(z.enum(ruleActions)),
})

/** All rules of a config, or of a file. */
export const rulesSchema = z.array(rule)

const ciCaller = z.strictObject({
  name: z.string().regex(/^[\w.-]{1,64}$/, 'letters, digits, ".", "_" and "-"'),
  claims: z
    .record(z.string().min(1), z.string().min(1))
    .refine((claims) => Object.keys(claims).length > 0, 'without a claim it would be everybody of the issuer'),
})

/** Keys that somebody on the way could change would let him be anybody. */
const safeUrl = baseUrl.refine((url) => {
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' || isLoopback(hostname)
}, 'it must be https, or on this machine')

/** The text of the claim `iss` counts, also whether it ends with a slash. */
const issuerUrl = z.url().refine((url) => safeUrl.safeParse(url).success, 'it must be https, or on this machine')

const ciIssuer = z.strictObject({
  issuer: issuerUrl,
  audience: z.string().min(1),
  keys: safeUrl.exactOptional(),
  callers: some(ciCaller),
})

const areDifferent = (issuers: readonly z.output<typeof ciIssuer>[]) => {
  const names = issuers.flatMap(({ callers }) => [...new Set(callers.map(({ name }) => name))])
  const urls = issuers.map(({ issuer }) => issuer)
  return new Set(names).size === names.length && new Set(urls).size === urls.length
}

/** A service of tokens has a name that fits into a header. */
const service = z.string().regex(/^[\w.:-]{1,128}$/, 'letters, digits, ".", "_", ":" and "-"')

const MIN_LIFETIME_MS = 60_000
const MAX_LIFETIME_MS = 86_400_000

/** Who may do what, repository by repository; without any of it, secrets and `anonymous` say so for all repositories. */
export const accessSchema = z
  .strictObject({
    rules: rulesSchema.default([]),
    /** A file of further rules, in YAML; a changed one counts without a restart. */
    rulesFile: z.string().min(1).exactOptional(),
    /** A file of users and the hashes of their passwords, as `htpasswd -B` writes it. */
    users: z.string().min(1).exactOptional(),
    /** A file of named tokens, as `shoal token` writes it. */
    tokens: z.string().min(1).exactOptional(),
    /** The folder in which it keeps the users and tokens that a manager gives; without it, nobody can give any. */
    managed: z.string().min(1).exactOptional(),
    /** Who gives ID tokens to jobs of a CI or to pods, and who of them is who here. */
    ci: z.array(ciIssuer).refine(areDifferent, 'two issuers are the same, or share a name of a caller').prefault([]),
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
