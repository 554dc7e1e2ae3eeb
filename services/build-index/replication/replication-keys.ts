import { createHash } from 'node:crypto'
import { OWN_REGISTRY, type Repository, repositoryText, type Tag } from '../../../lib/core/index.ts'

/** Parts into which the work is divided; each has one holder at a time. All build-indexes of a cluster agree on it. */
export const SHARDS = 8

/**
 * ```
 * replication/
 * ├── members/<id>                     written again and again by a build-index that lives
 * ├── leases/<shard>                   who does the work of the shard
 * ├── inbox/<shard>/<time>-<nonce>     work that no task exists for yet
 * ├── backfill/<shard>/<time>-<nonce>  the same for tags of before; it waits for what is in the inbox
 * ├── tasks/<shard>/<key>              the journal of the shard
 * ├── status/<remote>/<place>/_tags/<tag>    how the replication of a tag stands; <place> as in `placeOf`
 * ├── remotes                          the remotes that a manager has given
 * ├── rules                            the rules of the config, and the walk that each has
 * └── walks/<walk>                     how far the tags that fit a rule were looked for
 * ```
 */
export const replicationKeys = {
  members: 'replication/members/',
  lease: (shard: number) => `replication/leases/${shard}`,
  inbox: (shard: number) => `replication/inbox/${shard}/`,
  backfill: (shard: number) => `replication/backfill/${shard}/`,
  tasks: (shard: number) => `replication/tasks/${shard}/`,
  statuses: 'replication/status/',
  status: (remote: string, repository: Repository, tag: Tag) =>
    `replication/status/${remote}/${tagsOf(repository)}${tag}`,
  /** What stands between the name of the remote and the tag. */
  tagsOf: (repository: Repository) => tagsOf(repository),
  remotes: 'replication/remotes',
  rules: 'replication/rules',
  walk: (walk: string) => `replication/walks/${walk}`,
} as const

/** The text form of a repository is no key: it may start with `./`. */
const placeOf = ({ registry, name }: Repository): string =>
  registry === OWN_REGISTRY ? `own/${name}` : `registries/${registry}/${name}`

const tagsOf = (repository: Repository) => `${placeOf(repository)}/_tags/`

/** The shard that does the work about the text. */
export function shardOf(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE() % SHARDS
}

/** All work about one repository is done by one holder. */
export const shardOfRepository = (repository: Repository): number => shardOf(repositoryText(repository))
