import { z } from 'zod'
import { starPattern } from '../../base/index.ts'
import { duration, rate, registryPattern } from '../../config/index.ts'

const time = (text: string) => duration.refine((ms) => ms > 0, 'must be longer than 0').prefault(text)

/** The keys of a rule for upstream registries. */
export const upstreamRuleKeys = {
  registry: registryPattern,
  /** Base URL, where it does not follow from the name; only for a rule without `*`. */
  url: z
    .string()
    .regex(/^https?:\/\/[^/?#]+(\/[^?#]*)?$/, 'must be http(s)://host, maybe with a path')
    .exactOptional(),
  /** Without TLS. */
  plainHttp: z.boolean().default(false),
  /**
   * Also to addresses of private networks and of this machine, by a name or as a redirect or a token server. The host that
   * a rule without `*` names may be there in any case.
   */
  inner: z.boolean().default(false),
  username: z.string().min(1).exactOptional(),
  /** Should be in the secrets file. */
  password: z.string().min(1).exactOptional(),
  /** A `config.json` as `docker login` writes it. */
  dockerConfig: z.string().min(1).exactOptional(),
  /** PEM file of certificate authorities that are trusted in addition to those of Node. */
  ca: z.string().min(1).exactOptional(),
  /** An upstream that does not begin to answer for this long is unreachable. */
  wait: time('2s'),
  /** A body fails when no byte comes for this long. */
  stall: time('30s'),
  /** Requests per second to each upstream, e.g. `50/s`. */
  requests: z
    .string()
    .regex(/^(unlimited|[1-9]\d*\/s)$/, 'write it like 50/s, or unlimited')
    .pipe(rate)
    .prefault('unlimited'),
  /** Bandwidth of all reads from each upstream together. */
  read: rate.prefault('unlimited'),
} as const

/** Most rules of one config. */
const MAX_RULES = 1000

const isPattern = (registry: string) => registry.includes('*')

/** Rules in which the first one that fits a registry counts; `keys` are the rule's own, maybe with more. */
export function upstreamRulesOf<K extends typeof upstreamRuleKeys>(keys: K) {
  return z
    .array(z.strictObject(keys))
    .max(MAX_RULES)
    .superRefine((rules, ctx) => {
      for (const [index, rule] of (rules as readonly UpstreamRule[]).entries()) {
        for (const message of faultsOf(rule)) ctx.addIssue({ code: 'custom', path: [index], message })
        const before = rules
          .slice(0, index)
          .find((one) => starPattern((one as UpstreamRule).registry).fits(rule.registry))
        if (before === undefined) continue
        const message = `is never reached: the rule for "${(before as UpstreamRule).registry}" before it fits the same registries`
        ctx.addIssue({ code: 'custom', path: [index, 'registry'], message })
      }
    })
}

export const upstreamRulesSchema = upstreamRulesOf(upstreamRuleKeys)

/** Times in milliseconds, rates per second. */
export type UpstreamRule = z.output<z.ZodObject<typeof upstreamRuleKeys>>

function faultsOf({ registry, url, username, password, dockerConfig }: UpstreamRule): readonly string[] {
  const faults: string[] = []
  if (isPattern(registry) && url !== undefined) faults.push('url is only for a rule of one registry, without *')
  if (isPattern(registry) && username !== undefined) {
    faults.push('a password is for one registry: a rule with * would show it to every registry that fits')
  }
  if ((username === undefined) !== (password === undefined)) {
    faults.push('username and password must be given together')
  }
  if (username !== undefined && dockerConfig !== undefined) {
    faults.push('give either username and password, or dockerConfig')
  }
  return faults
}
