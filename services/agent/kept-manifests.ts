import { background, keyedLock, type Startable } from '../../lib/base/index.ts'
import { type Descriptor, type Digest, type Repository, repositoryText } from '../../lib/core/index.ts'
import type { BlobReader, Sidecars } from '../../lib/store/index.ts'
import type { Logger } from '../../lib/telemetry/index.ts'

/** Repositories that are remembered for one manifest; the one that was read longest ago goes first. */
const MAX_REPOSITORIES = 64

/** Pairs of a repository's text form and a media type. An older agent wrote one descriptor, without a repository. */
type Types = readonly (readonly [repository: string, mediaType: string])[]

/**
 * What this agent knows of the manifests that it holds, kept beside each blob, so that a pull by digest is answered
 * from the cache when everything else is down. The type is that of a repository: the same bytes may have been pushed
 * elsewhere as something else.
 */
export interface KeptManifests extends Startable {
  /** Undefined when the repository was never read from here. Waits for what is being kept of this digest. */
  find(repository: Repository, digest: Digest): Promise<Descriptor | undefined>
  /**
   * Keeps it in the background, since no answer should wait for the disk. Does nothing for a blob that is not in the
   * store. A failure is logged: the manifest can be read without it.
   */
  keep(repository: Repository, descriptor: Descriptor): void
}

interface KeptManifestsStore extends Sidecars, Pick<BlobReader, 'stat'> {}

export interface KeptManifestsComponents {
  readonly store: KeptManifestsStore
  readonly logger: Logger
}

/** Its stop waits for what is being kept. */
export function keptManifests({ store, logger }: KeptManifestsComponents): KeptManifests {
  const newTasks = () => background((_, err) => logger.warn('failed to keep the type of a manifest', { err }))
  const turns = keyedLock()
  let tasks = newTasks()
  const typesOf = async (digest: Digest): Promise<ReadonlyMap<string, string>> => {
    const bytes = await store.sidecar(digest, 'descriptor')
    return new Map(bytes === undefined ? [] : typesIn(bytes))
  }
  const note = async (repository: Repository, { digest, mediaType }: Descriptor): Promise<void> => {
    if ((await store.stat(digest)) === undefined) return
    const known = await typesOf(digest)
    const text = repositoryText(repository)
    if (known.get(text) === mediaType) return
    const others = [...known].filter(([name]) => name !== text).slice(1 - MAX_REPOSITORIES)
    const types: Types = [...others, [text, mediaType]]
    await store.putSidecar(digest, 'descriptor', Buffer.from(JSON.stringify({ types })))
  }
  return {
    find: (repository, digest) =>
      turns.run(digest, async () => {
        const mediaType = (await typesOf(digest)).get(repositoryText(repository))
        const stored = mediaType === undefined ? undefined : await store.stat(digest)
        return mediaType === undefined || stored === undefined ? undefined : { digest, mediaType, size: stored.size }
      }),
    keep(repository, descriptor) {
      tasks.run('keep', () => turns.run(descriptor.digest, () => note(repository, descriptor)))
    },
    async start() {
      tasks = newTasks()
    },
    stop: () => tasks.stop(),
  }
}

/** What cannot be read counts as nothing. */
function typesIn(bytes: Uint8Array): Types {
  try {
    const { types } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { readonly types: unknown }
    return Array.isArray(types) ? types.filter(isPair) : []
  } catch {
    return []
  }
}

function isPair(value: unknown): value is Types[number] {
  return Array.isArray(value) && value.length === 2 && value.every((text) => typeof text === 'string')
}
