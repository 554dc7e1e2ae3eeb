import { z } from 'zod'
import { repositoryPattern } from '../config/index.ts'

/** Most rules, and most patterns of one. */
const MOST_RULES = 200
const MOST_PATTERNS = 32
const MAX_PATTERN = 255

/** The config key `withhold` of services that give blobs to peers. */
export const withholdRules = z
  .array(
    z.strictObject({
      /** What somebody is told to whom a blob is not given. */
      name: z.string().regex(/^[\w.-]{1,64}$/, 'letters, digits, ".", "_" and "-", at most 64'),
      repositories: z.array(repositoryPattern.max(MAX_PATTERN)).min(1).max(MOST_PATTERNS),
    }),
  )
  .max(MOST_RULES)
  .prefault([])

export type WithholdRules = z.output<typeof withholdRules>
