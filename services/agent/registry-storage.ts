import {
  type ManifestLinks,
  manifestShape,
  parseBody,
  type ReferrerIndex,
  type RepositoryCatalog,
  type TagIndex,
} from '../../lib/api/index.ts'
import { type AbortOptions, appError, parseJson } from '../../lib/base/index.ts'
import {
  type BlobRef,
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestOf,
  MANIFEST_LIMIT,
  wholeRange,
} from '../../lib/core/index.ts'
import type { Blobs, Manifests, RegistryStorage, Tags } from '../../lib/registry/index.ts'
import type { BlobReader } from '../../lib/store/index.ts'
import type { KeptManifests } from './kept-manifests.ts'
import { namedBlobs } from './named-blobs.ts'
import type { Pulls } from './pulls.ts'

/** The requests that an agent makes to the build-index. */
interface ReadIndex
  extends RepositoryCatalog,
    Pick<TagIndex, 'getTag' | 'listTags'>,
    Pick<ManifestLinks, 'getManifest'>,
    Pick<ReferrerIndex, 'listReferrers'> {}

export interface AgentStorageComponents {
  readonly store: BlobReader
  readonly kept: Pick<KeptManifests, 'find' | 'keep'>
  readonly pulls: Pulls
  readonly index: ReadIndex
}

const ociManifest = 'application/vnd.oci.image.manifest.v1+json'
const ociIndex = 'application/vnd.oci.image.index.v1+json'

/** Reads the descriptor from a cached manifest, for when no build-index answers. Undefined when it is not cached. */
async function describeHeld(store: BlobReader, digest: Digest): Promise<Descriptor | undefined> {
  const stored = await store.stat(digest)
  if (stored === undefined || stored.size > MANIFEST_LIMIT) return undefined
  const bytes = await store.readAt(digest, wholeRange(stored.size))
  try {
    const manifest = parseBody(manifestShape, parseJson(Buffer.from(bytes).toString('utf8')))
    const mediaType = manifest.mediaType ?? (manifest.manifests === undefined ? ociManifest : ociIndex)
    return { digest, mediaType, size: stored.size }
  } catch {
    return undefined
  }
}

function agentBlobs(pulls: Pulls): Blobs {
  return {
    async find(repository, digest, options = {}) {
      const blob = { repository, digest }
      const pull = await pulls.find(blob, options)
      return {
        size: pull.size,
        // The registry front pipes the body straight into the socket.
        open: (range, { signal } = {}) => pull.open(range, { signal, transient: true }),
        close: () => pull.close(),
      }
    },
  }
}

function agentManifests({ store, kept, pulls, index }: AgentStorageComponents): Manifests {
  const readWhole = async (blob: BlobRef, size: number, options: AbortOptions): Promise<Uint8Array> => {
    if (size > MANIFEST_LIMIT) throw appError('MANIFEST_INVALID', { detail: { size, limit: MANIFEST_LIMIT } })
    const pull = await pulls.find(blob, { ...options, kind: 'manifest' })
    try {
      const chunks: Uint8Array[] = []
      for await (const chunk of await pull.open(wholeRange(size), options)) chunks.push(chunk as Uint8Array)
      const bytes = Buffer.concat(chunks)
      pull.names(namedBlobs(bytes))
      return bytes
    } finally {
      pull.close()
    }
  }

  return {
    async resolve(repository, reference, options = {}) {
      if (reference.kind === 'tag') {
        const { tag } = reference
        return pulls.lookUp(repository, tag, () => index.getTag(repository, tag, options))
      }
      // The index decides while it lives: what another repository is told by this digest says nothing about this one.
      try {
        const { digest } = reference
        return await pulls.lookUp(repository, digest, () => index.getManifest(repository, digest, options))
      } catch (err) {
        const held = (await kept.find(repository, reference.digest)) ?? (await describeHeld(store, reference.digest))
        if (held === undefined) throw err
        return held
      }
    },
    async read(repository, descriptor, options = {}) {
      const bytes = await readWhole({ repository, digest: descriptor.digest }, descriptor.size, options)
      if (digestOf(bytes, digestAlgorithm(descriptor.digest)) !== descriptor.digest) {
        throw appError('BACKEND_CORRUPT', { detail: { digest: descriptor.digest } })
      }
      kept.keep(repository, descriptor)
      return bytes
    },
  }
}

function agentTags(index: ReadIndex): Tags {
  const page = (options: AbortOptions & { readonly after?: string; readonly limit: number }) => ({
    n: options.limit,
    signal: options.signal,
    ...(options.after === undefined ? {} : { last: options.after }),
  })
  return {
    async list(repository, options) {
      const found = await index.listTags(repository, page(options))
      return found === undefined ? undefined : { items: found.tags, more: found.next !== undefined }
    },
    async repositories(options) {
      const found = await index.listRepositories(page(options))
      return { items: found.repositories, more: found.next !== undefined }
    },
  }
}

/** The read-only registry of an agent: tags come from the build-index, everything else from the swarm and the cache. */
export function agentStorage(components: AgentStorageComponents): RegistryStorage {
  return {
    blobs: agentBlobs(components.pulls),
    manifests: agentManifests(components),
    tags: agentTags(components.index),
    referrers: { list: (repository, subject, options) => components.index.listReferrers(repository, subject, options) },
  }
}
