import { appError, hasCode } from '../../../lib/base/index.ts'
import type { Descriptor, Repository } from '../../../lib/core/index.ts'
import type { FoundBlob, ReferrerPage, RegistryStorage } from '../../../lib/registry/index.ts'
import { directStorage } from './direct-storage.ts'
import type { Identities } from './identities.ts'
import type { Asking, Rights } from './rights.ts'

export interface GuardedStorageComponents {
  /** What the cluster has, and may read, of all registries. */
  readonly cluster: RegistryStorage
  readonly identities: Pick<Identities, 'guarded'>
  readonly rights: Rights
}

/** Whose reads these are. */
export interface GuardedStorageInit {
  /** What the caller shows to the registries of others. */
  readonly shown: string | undefined
}

/** Codes with which the cluster says that it has, or may read, no such thing. */
const LACKS = ['BLOB_UNKNOWN', 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN', 'BACKEND_DENIED', 'NO_BACKEND_RULE'] as const

async function unlessLacking<T>(asked: Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await asked
  } catch (err) {
    if (hasCode(err, ...LACKS)) return undefined
    throw err
  }
}

/**
 * What one caller may read. Of a guarded registry first the right is proven, then the cluster gives what it has; what it
 * lacks, since its own account may not read it, the registry gives to this caller alone. What another caller is given
 * changes nothing of that.
 */
export function guardedStorage(components: GuardedStorageComponents, { shown }: GuardedStorageInit): RegistryStorage {
  const { cluster, identities, rights } = components
  /** Undefined where everybody reads what the cluster may. */
  const askingFor = (repository: Repository): Asking | undefined => {
    const entry = identities.guarded(repository.registry)
    return entry && { entry, repository, shown }
  }
  return {
    ...cluster,
    blobs: guardedBlobs(components, askingFor),
    manifests: guardedManifests(components, askingFor),
    tags: {
      ...cluster.tags,
      async list(repository, options) {
        const asking = askingFor(repository)
        if (asking === undefined) return cluster.tags.list(repository, options)
        return unlessNobody(asking, directStorage(rights.reads(asking)).tags.list(repository, options))
      },
    },
    referrers: {
      async list(repository, subject, options) {
        const asking = askingFor(repository)
        if (asking === undefined) return cluster.referrers.list(repository, subject, options)
        const listed = directStorage(rights.reads(asking)).referrers.list(repository, subject, options)
        return (await unlessNobody<ReferrerPage>(asking, listed)) ?? { referrers: [] }
      },
    },
  }
}

type AskingFor = (repository: Repository) => Asking | undefined

function guardedBlobs({ cluster, rights }: GuardedStorageComponents, askingFor: AskingFor): RegistryStorage['blobs'] {
  return {
    async find(repository, digest, options = {}) {
      const asking = askingFor(repository)
      if (asking === undefined) return cluster.blobs.find(repository, digest, options)
      const said = await rights.blob(asking, digest, options)
      if (said === undefined) return undefined
      const found = await unlessLacking<FoundBlob>(cluster.blobs.find(repository, digest, options))
      if (found !== undefined && (said === 'held' || said === found.size)) return found
      found?.close()
      return unlessNobody(asking, directStorage(rights.reads(asking)).blobs.find(repository, digest, options))
    },
  }
}

function guardedManifests(
  { cluster, rights }: GuardedStorageComponents,
  askingFor: AskingFor,
): RegistryStorage['manifests'] {
  /** Those for which this caller has proven his right; `true`: the cluster has it. */
  const resolved = new WeakMap<Descriptor, boolean>()
  return {
    async resolve(repository, reference, options = {}) {
      const asking = askingFor(repository)
      if (asking === undefined) return cluster.manifests.resolve(repository, reference, options)
      const said = await rights.manifest(asking, reference, options)
      if (said === undefined) return undefined
      const known = await unlessLacking(cluster.manifests.resolve(repository, reference, options))
      const fromThere = () => directStorage(rights.reads(asking)).manifests.resolve(repository, reference, options)
      const found = known ?? (said === 'held' ? await unlessNobody(asking, fromThere()) : said)
      if (found !== undefined) resolved.set(found, known !== undefined)
      return found
    },
    async read(repository, descriptor, options = {}) {
      const asking = askingFor(repository)
      if (asking === undefined) return cluster.manifests.read(repository, descriptor, options)
      const isKnown = resolved.get(descriptor)
      if (isKnown === undefined) throw appError('MANIFEST_UNKNOWN', { detail: { digest: descriptor.digest } })
      const known = isKnown && (await unlessLacking(cluster.manifests.read(repository, descriptor, options)))
      return known || directStorage(rights.reads(asking)).manifests.read(repository, descriptor, options)
    },
  }
}

/** To nobody in particular, what is refused is not there. */
async function unlessNobody<T>({ entry }: Asking, asked: Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await asked
  } catch (err) {
    if (entry.identity === 'publicOnly' && hasCode(err, 'UNAUTHORIZED', 'DENIED')) return undefined
    throw err
  }
}
