import type { Repository, Tag } from '../../../lib/core/index.ts'
import { indexKey } from '../index-keys.ts'

/**
 * ```
 * retention/
 * ├── run               how far the current look at the tags is, or the report of the last one
 * ├── pulls             since when pulls are written without a gap
 * ├── lease/<shard>     who does the look; there is one shard
 * └── members/<id>      who wants to
 * ```
 * In the backend of the index. The last pull of a tag lies beside the tag.
 */
export const retentionKeys = {
  run: 'retention/run',
  pulls: 'retention/pulls',
  lease: (shard: number) => `retention/lease/${shard}`,
  members: 'retention/members/',
} as const

/** When somebody asked for the tag last. */
export const pullKey = (repository: Repository, tag: Tag): string => indexKey(repository, { kind: 'pull', tag })
