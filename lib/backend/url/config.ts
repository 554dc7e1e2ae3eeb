import { z } from 'zod'
import { hostPattern, pathPattern, portList } from '../../config/index.ts'
import { backendLimitsSchema } from '../limits-config.ts'

/** Most rules of one config. */
const MAX_RULES = 200

/** URLs whose content the cluster may bring. */
const urlRuleSchema = z.strictObject({
  host: hostPattern,
  path: pathPattern.default(''),
  ports: portList.default([80, 443]),
  /** Its names may lead to private networks and to this machine, also those to which it redirects. */
  inner: z.boolean().default(false),
  /** PEM file of authorities that are trusted there besides those of Node. */
  ca: z.string().min(1).exactOptional(),
  limits: backendLimitsSchema,
})

/** A URL that fits none is not brought; of those that fit, the first one counts. */
export const urlRulesSchema = z.array(urlRuleSchema).max(MAX_RULES)

export type UrlRule = z.output<typeof urlRuleSchema>
