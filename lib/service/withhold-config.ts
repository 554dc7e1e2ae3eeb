import { z } from 'zod'
import { contentDigest, repositoryPattern } from '../config/index.ts'

/** Most rules, and most patterns of one. */
const MOST_RULES = 200
const MOST_PATTERNS = 32
const MAX_PATTERN = 255
/** Most digests of one. */
const MOST_DIGESTS = 1000

const withholdRule = z
  .strictObject({
    /** What somebody is told to whom a blob is not given. */
    name: z.string().regex(/^[\w.-]{1,64}$/, 'letters, digits, ".", "_" and "-", at most 64'),
    repositories: z.array(repositoryPattern.max(MAX_PATTERN)).min(1).max(MOST_PATTERNS).exactOptional(),
    /** In whichever repository they are. */
    digests: z.array(contentDigest).min(1).max(MOST_DIGESTS).exactOptional(),
  })
  .refine(({ repositories, digests }) => repositories !== undefined || digests !== undefined, 'say what is withheld')

/** The config key `withhold` of services that give blobs to peers. */
export const withholdRules = z.array(withholdRule).max(MOST_RULES)

export type WithholdRules = z.output<typeof withholdRules>
