import type { BuildIndex } from '../../lib/api/index.ts'
import { type Backend, governor, openBackend, openRegistry, type Registry } from '../../lib/backend/index.ts'
import { type AbortOptions, appError, lifecycle, type Startable } from '../../lib/base/index.ts'
import type { Runtime } from '../../lib/service/index.ts'
import type { BuildIndexConfig } from './config.ts'
import { immutableTags, withImmutableTags } from './immutable-tags.ts'
import { type IndexRecords, indexRecords } from './index-records.ts'
import { referrerIndex } from './referrer-index.ts'
import { registryIndex } from './registry-index.ts'
import { type Followers, openFollowers } from './replication/followers.ts'
import { type Outbox, outbox } from './replication/outbox.ts'
import { repositoryIndex } from './repository-index.ts'
import { type TagRecords, tagRecords, type VersionedTags } from './tag-records.ts'

/** Where the work of the replication lies. */
export interface WorkPlace {
  readonly backend: Backend
  readonly records: IndexRecords
  readonly outbox: Outbox
}

export interface OpenIndex {
  readonly index: BuildIndex
  readonly backends: Startable
  readonly probed: Pick<Backend, 'stat'>
  /** Undefined without a backend that has conditional writes. */
  readonly work: WorkPlace | undefined
  /** Whoever is told of changes of tags. */
  readonly followers: Followers
  /** As in `LinkedManifest`. */
  readonly blobsFollow: boolean
  /** Undefined where no versions of tags are kept. */
  readonly tags: VersionedTags | undefined
  /** Where the index is records of ours; undefined where it is a registry. */
  readonly kept: KeptIndex | undefined
}

/** What the index is made of. */
export interface KeptIndex {
  readonly backend: Backend
  readonly records: IndexRecords
  readonly tags: TagRecords
}

export interface OpenIndexInit {
  /** Replaces the backend that the config names. */
  readonly given: Backend | undefined
}

/**
 * With a registry as backend, the registry itself is the index, and what it cannot keep lies in a second backend; in any
 * other backend the index is records of ours. @throws REPLICATION_NEEDS_BACKEND
 */
export function openIndex(runtime: Runtime, config: BuildIndexConfig, { given }: OpenIndexInit): OpenIndex {
  const { backend: first, replication } = config
  const second = replication.backend && openBackend(runtime, replication.backend)
  const registry =
    given === undefined && first.driver === 'registry'
      ? openRegistry({ ...runtime, governor: governor(runtime, first.limits) }, first)
      : undefined
  const own = registry === undefined ? (given ?? openBackend(runtime, first)) : undefined
  const place = placeIn(runtime, second ?? own)
  const followers = openFollowers(runtime, config, { records: place?.records })
  if (place === undefined && followers.following !== undefined) throw appError('REPLICATION_NEEDS_BACKEND')
  const told = { followers: followers.all, changes: followers.changes }
  const work = place && { ...place, outbox: outbox({ ...runtime, ...place, ...told }) }
  const announce = followers.following === undefined ? undefined : work?.outbox.announce
  const isImmutable = immutableTags(config.immutableTags)
  const tagsIn = (backend: Backend, records: IndexRecords): TagRecords =>
    tagRecords({
      ...{ ...runtime, backend, records, announce },
      ...{ cluster: config.cluster, rememberMs: replication.remember, isImmutable },
    })

  const beside = (place: Backend) => {
    const records = indexRecords({ ...runtime, backend: place })
    const versions = { ...runtime, backend: place, records, versions: tagsIn(place, records) }
    return { versions, referrers: referrerIndex({ ...runtime, backend: place, records, announce }) }
  }
  const backends = lifecycle([registry, own, second].filter((each) => each !== undefined))
  if (registry !== undefined) {
    const index = withImmutableTags(registryIndex(registry, second === undefined ? {} : beside(second)), isImmutable)
    return {
      index,
      backends,
      probed: pinged(registry),
      work,
      followers,
      blobsFollow: true,
      tags: index.versioned,
      kept: undefined,
    }
  }
  const backend = own as Backend
  const records = indexRecords({ ...runtime, backend })
  const tags = tagsIn(backend, records)
  return {
    index: repositoryIndex({ ...runtime, backend, records, tags, announce }),
    backends,
    probed: backend,
    work,
    followers,
    blobsFollow: false,
    tags,
    kept: { backend, records, tags },
  }
}

function placeIn(runtime: Runtime, backend: Backend | undefined): Omit<WorkPlace, 'outbox'> | undefined {
  return backend && { backend, records: indexRecords({ ...runtime, backend }) }
}

const pinged = (registry: Registry): Pick<Backend, 'stat'> => ({
  async stat(_key: string, options?: AbortOptions) {
    await registry.ping(options)
    return undefined
  },
})
