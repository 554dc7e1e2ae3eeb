import type { ReferrerIndex, RepositoryCatalog, TagIndex } from '../../lib/api/index.ts'
import { type AbortOptions, appError } from '../../lib/base/index.ts'
import { type BlobRef, digestAlgorithm, digestOf, MANIFEST_LIMIT, wholeRange } from '../../lib/core/index.ts'
import type { AskOptions, Blobs, Manifests, RegistryStorage, Tags } from '../../lib/registry/index.ts'
import type { Links } from './links/index.ts'
import { namedBlobs, requiredBlobs } from './named-blobs.ts'
import type { Pulls } from './pulls.ts'

/** The lists that an agent asks the build-index for. */
interface ReadIndex extends RepositoryCatalog, Pick<TagIndex, 'listTags'>, Pick<ReferrerIndex, 'listReferrers'> {}

export interface AgentStorageComponents {
  readonly links: Links
  readonly pulls: Pulls
  readonly index: ReadIndex
}

function agentBlobs(pulls: Pulls): Blobs {
  return {
    async find(repository, digest, options = {}) {
      const blob = { repository, digest }
      const pull = await pulls.find(blob, options)
      return {
        size: pull.size,
        // The registry front pipes the body straight into the socket.
        open: (range, options = {}) => pull.open(range, { ...options, transient: true }),
        close: () => pull.close(),
      }
    },
  }
}

function agentManifests({ pulls, links }: AgentStorageComponents): Manifests {
  const readWhole = async (blob: BlobRef, size: number, options: AskOptions): Promise<Uint8Array> => {
    if (size > MANIFEST_LIMIT) throw appError('MANIFEST_INVALID', { detail: { size, limit: MANIFEST_LIMIT } })
    const pull = await pulls.find({ ...blob, as: 'manifest' }, { ...options, kind: 'manifest', proven: true })
    try {
      const chunks: Uint8Array[] = []
      for await (const chunk of await pull.open(wholeRange(size), { signal: options.signal }))
        chunks.push(chunk as Uint8Array)
      const bytes = Buffer.concat(chunks)
      pull.names(namedBlobs(bytes))
      return bytes
    } finally {
      pull.close()
    }
  }

  return {
    resolve(repository, reference, options = {}) {
      const { terms } = options
      if (reference.kind === 'tag') {
        const { tag } = reference
        return pulls.lookUp({ repository, reference: tag, terms }, () => links.tag(repository, tag, options))
      }
      // The index decides while it lives: what another repository is told by this digest says nothing about this one.
      const { digest } = reference
      return pulls.lookUp({ repository, reference: digest, terms }, () => links.manifest(repository, digest, options))
    },
    async read(repository, descriptor, options = {}) {
      const { digest, mediaType, size } = descriptor
      await links.requireManifest(repository, descriptor, options)
      const bytes = await readWhole({ repository, digest }, size, options)
      if (digestOf(bytes, digestAlgorithm(digest)) !== digest) {
        throw appError('BACKEND_CORRUPT', { detail: { digest } })
      }
      links.names(repository, descriptor, requiredBlobs(bytes, mediaType))
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

/**
 * The read-only registry of an agent: what a repository has comes from the build-index, its bytes from the swarm and the
 * cache.
 */
export function agentStorage(components: AgentStorageComponents): RegistryStorage {
  return {
    blobs: agentBlobs(components.pulls),
    manifests: agentManifests(components),
    tags: agentTags(components.index),
    referrers: { list: (repository, subject, options) => components.index.listReferrers(repository, subject, options) },
  }
}
