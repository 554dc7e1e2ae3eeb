import type { Backend, Backends } from '../../lib/backend/index.ts'
import { appError, hasCode, isAppError, keyedLock } from '../../lib/base/index.ts'
import {
  type BlobRef,
  type Digest,
  parseRepository,
  type Repository,
  repositoryText,
  sampleOf,
} from '../../lib/core/index.ts'
import type { Sidecars } from '../../lib/store/index.ts'

/**
 * The repositories under which a blob came to this origin. A blob's key in a backend is its digest, but the repository
 * decides which backend it is; upkeep (scrub, repair, hand-over) finds the backends of a blob here.
 */
export interface BlobNames {
  /**
   * Notes the repository beside the blob, unless the blob is gone or a repository of the same backend is noted. One of a
   * registry of others is noted only beside a blob that has no name yet: there are more of them than a note can hold.
   */
  add(blob: BlobRef): Promise<void>
  /** What is noted beside a blob that is new here. */
  labelOf(repository: Repository): Uint8Array
  /** One repository for each backend that may have the blob. Without a note: one for each rule of the config. */
  of(digest: Digest): Promise<readonly [Repository, ...Repository[]]>
  /** The repositories that are noted. */
  noted(digest: Digest): Promise<readonly Repository[]>
  /** The backends of these repositories, each once. */
  backends(digest: Digest): Promise<readonly Backend[]>
  /** It is noted under names of registries of others only: nobody was promised that this cluster keeps it. */
  isOthers(digest: Digest): Promise<boolean>
}

export interface BlobNamesComponents {
  readonly store: Sidecars
  readonly backends: Pick<Backends, 'backendFor'>
}

export interface BlobNamesInit {
  /** The patterns of the config's rules. */
  readonly patterns: readonly string[]
  /** Whether blobs of the repository are read from a registry of others. */
  readonly isUpstream: (repository: Repository) => boolean
}

/** The repositories in a label; anything that is not the text of a repository is skipped. */
function repositoriesIn(label: Uint8Array | undefined): readonly Repository[] {
  if (label === undefined || label.length === 0) return []
  try {
    const parsed: unknown = JSON.parse(Buffer.from(label).toString('utf8'))
    if (typeof parsed !== 'object' || parsed === null) return []
    const texts: unknown = 'repositories' in parsed ? parsed.repositories : 'namespaces' in parsed && parsed.namespaces
    return Array.isArray(texts) ? texts.flatMap(repositoriesOf) : []
  } catch {
    return []
  }
}

function repositoriesOf(text: unknown): readonly Repository[] {
  try {
    return typeof text === 'string' ? [parseRepository(text)] : []
  } catch (err) {
    if (isAppError(err)) return []
    throw err
  }
}

function samplesOf(patterns: readonly string[]): readonly [Repository, ...Repository[]] {
  const [first, ...rest] = patterns.map((pattern) => {
    const sample = sampleOf(pattern)
    if (sample !== undefined) return sample
    throw appError('CONFIG_INVALID', { message: `no repository fits the rule for "${pattern}"` })
  })
  if (first === undefined) throw appError('CONFIG_INVALID', { message: 'there is no rule for any repository' })
  return [first, ...rest]
}

/** @throws CONFIG_INVALID when there is no rule, or when no repository matches the pattern of a rule */
export function blobNames(
  { store, backends }: BlobNamesComponents,
  { patterns, isUpstream }: BlobNamesInit,
): BlobNames {
  const locks = keyedLock()
  const samples = samplesOf(patterns)

  const notedOf = async (digest: Digest) => repositoriesIn(await store.sidecar(digest, 'label'))

  const of: BlobNames['of'] = async (digest) => {
    const [first, ...rest] = await notedOf(digest)
    return first === undefined ? samples : [first, ...rest]
  }

  const textOf = (repositories: readonly Repository[]) =>
    Buffer.from(JSON.stringify({ repositories: repositories.map(repositoryText) }))

  return {
    labelOf: (repository) => textOf([repository]),
    add: ({ digest, repository }) =>
      locks.run(digest, async () => {
        const noted = await notedOf(digest)
        if (noted.length > 0 && isUpstream(repository)) return
        const its = backends.backendFor(repository)
        if (noted.some((one) => backends.backendFor(one) === its)) return
        await store.putSidecar(digest, 'label', textOf([...noted, repository])).catch((err: unknown) => {
          if (!hasCode(err, 'BLOB_UNKNOWN')) throw err
        })
      }),
    of,
    noted: notedOf,
    backends: async (digest) => [...new Set((await of(digest)).map((one) => backends.backendFor(one)))],
    async isOthers(digest) {
      const noted = await notedOf(digest)
      return noted.length > 0 && noted.every(isUpstream)
    },
  }
}
