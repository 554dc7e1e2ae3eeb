import { z } from 'zod'
import { starPattern } from '../../base/index.ts'
import { rate, upstreamWayKeys } from '../../config/index.ts'

const { registry, url, plainHttp, inner, ca, wait, stall } = upstreamWayKeys

/** The keys of a rule for upstream registries. */
export const upstreamRuleKeys = {
  ...{ registry, url, plainHttp, inner },
  username: z.string().min(1).exactOptional(),
  /** Should be in the secrets file. */
  password: z.string().min(1).exactOptional(),
  /** A `config.json` as `docker login` writes it. */
  dockerConfig: z.string().min(1).exactOptional(),
  ...{ ca, wait, stall },
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
