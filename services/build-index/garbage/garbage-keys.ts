/**
 * ```
 * garbage/
 * ├── index             a name that no other index has: the backends of the blobs belong to the index that named itself first
 * ├── run               how far the current run is, or the report of the last one
 * ├── lease/<shard>     who runs it; there is one shard
 * └── members/<id>      who wants to
 * ```
 * In the backend of the index. Origins have keys of their own below `garbage/`, in the backends of the blobs, which may be
 * the same folder: `owner` and `condemned/`.
 */
export const garbageKeys = {
  index: 'garbage/index',
  run: 'garbage/run',
  lease: (shard: number) => `garbage/lease/${shard}`,
  members: 'garbage/members/',
} as const
