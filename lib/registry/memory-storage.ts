import { Readable } from 'node:stream'
import { appError, type Random, systemRandom, throwIfAborted } from '../base/index.ts'
import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestOf,
  OWN_REGISTRY,
  type Referrer,
  type Repository,
  type RepositoryName,
  repositoryText,
  type Tag,
} from '../core/index.ts'
import type {
  Blobs,
  Edits,
  Manifests,
  Page,
  PageOptions,
  Referrers,
  Tags,
  UploadKey,
  UploadSession,
  Uploads,
  WritableStorage,
} from './storage.ts'

interface MemoryRepository {
  readonly repository: Repository
  readonly blobs: Set<Digest>
  readonly manifests: Map<Digest, Descriptor>
  readonly tags: Map<Tag, Digest>
  /** By subject, then by digest. */
  readonly referrers: Map<Digest, Map<Digest, Referrer>>
}

interface MemoryUpload {
  readonly repository: string
  chunks: Uint8Array[]
  size: number
  busy: boolean
}

/** All state of the twin: contents by digest, and the links of each repository. */
interface Shelves {
  readonly contents: Map<Digest, Uint8Array>
  readonly repositories: Map<string, MemoryRepository>
  readonly uploads: Map<string, MemoryUpload>
}

/** A whole registry in memory: the twin for tests, and the reference for the contract suite. */
export function memoryRegistryStorage({ random = systemRandom() }: { readonly random?: Random } = {}): WritableStorage {
  const shelves: Shelves = { contents: new Map(), repositories: new Map(), uploads: new Map() }
  return {
    blobs: memoryBlobs(shelves),
    manifests: memoryManifests(shelves),
    tags: memoryTags(shelves),
    referrers: memoryReferrers(shelves),
    writes: { uploads: memoryUploads(shelves, random), edits: memoryEdits(shelves) },
  }
}

function repositoryFor(shelves: Shelves, repository: Repository): MemoryRepository {
  const key = repositoryText(repository)
  const known = shelves.repositories.get(key)
  if (known !== undefined) return known
  const created: MemoryRepository = {
    repository,
    blobs: new Set(),
    manifests: new Map(),
    tags: new Map(),
    referrers: new Map(),
  }
  shelves.repositories.set(key, created)
  return created
}

function contentOf(shelves: Shelves, digest: Digest): Uint8Array {
  const bytes = shelves.contents.get(digest)
  if (bytes === undefined) throw appError('BLOB_UNKNOWN', { detail: { digest } })
  return bytes
}

function memoryBlobs(shelves: Shelves): Blobs {
  return {
    async find(repository, digest) {
      if (shelves.repositories.get(repositoryText(repository))?.blobs.has(digest) !== true) return undefined
      const bytes = contentOf(shelves, digest)
      return {
        size: bytes.byteLength,
        open: async ({ start, end }) =>
          Readable.from([bytes.subarray(start, end)].filter((part) => part.byteLength > 0)),
        close: () => undefined,
      }
    },
  }
}

function memoryManifests(shelves: Shelves): Manifests {
  return {
    async resolve(repository, reference) {
      const known = shelves.repositories.get(repositoryText(repository))
      const digest = reference.kind === 'tag' ? known?.tags.get(reference.tag) : reference.digest
      return digest && known?.manifests.get(digest)
    },
    read: async (_repository, { digest }) => contentOf(shelves, digest),
  }
}

function memoryTags(shelves: Shelves): Tags {
  return {
    async list(repository, options) {
      const known = shelves.repositories.get(repositoryText(repository))
      return known && pageOf([...known.tags.keys()], options)
    },
    repositories: async (options) => pageOf(ownNames(shelves), options),
  }
}

function ownNames({ repositories }: Shelves): RepositoryName[] {
  const own = [...repositories.values()].filter(({ repository }) => repository.registry === OWN_REGISTRY)
  return own.map(({ repository }) => repository.name)
}

function pageOf<T extends string>(items: readonly T[], { after = '', limit }: PageOptions): Page<T> {
  const rest = items.filter((item) => item > after).sort()
  return { items: rest.slice(0, limit), more: rest.length > limit }
}

function memoryReferrers(shelves: Shelves): Referrers {
  return {
    async list(repository, subject, { last = '' } = {}) {
      const listed = shelves.repositories.get(repositoryText(repository))?.referrers.get(subject)?.values() ?? []
      const behind = [...listed].filter(({ digest }) => digest > last).sort((a, b) => (a.digest < b.digest ? -1 : 1))
      const [one] = behind
      // The shortest pages that there are, so that whoever reads them has to ask for the next.
      return { referrers: behind.slice(0, 1), ...(behind.length > 1 && { next: one?.digest }) }
    },
  }
}

function memoryUploads(shelves: Shelves, random: Random): Uploads {
  const find = (repository: Repository, { id }: UploadKey) => {
    const upload = shelves.uploads.get(id)
    if (upload?.repository !== repositoryText(repository))
      throw appError('BLOB_UPLOAD_UNKNOWN', { detail: { session: id } })
    return upload
  }
  const sessionOf = (id: string, size: number): UploadSession => ({ id, member: '', size })

  return {
    async create(repository) {
      const id = Buffer.from(random.bytes(16)).toString('hex')
      shelves.uploads.set(id, { repository: repositoryText(repository), chunks: [], size: 0, busy: false })
      return sessionOf(id, 0)
    },
    status: async (repository, key) => sessionOf(key.id, find(repository, key).size),
    async append(repository, key, source, { offset, signal }) {
      const upload = find(repository, key)
      if (upload.busy) throw appError('UPLOAD_CONFLICT')
      if (offset !== upload.size) throw appError('UPLOAD_OFFSET', { detail: { size: upload.size } })
      upload.busy = true
      try {
        const chunks = ArrayBuffer.isView(source) ? [source] : (source as AsyncIterable<Uint8Array>)
        for await (const chunk of chunks) {
          throwIfAborted(signal)
          upload.chunks.push(chunk)
          upload.size += chunk.byteLength
        }
      } finally {
        upload.busy = false
      }
      return sessionOf(key.id, upload.size)
    },
    async commit(repository, key, digest) {
      const bytes = Buffer.concat(find(repository, key).chunks)
      const actual = digestOf(bytes, digestAlgorithm(digest))
      if (actual !== digest) throw appError('DIGEST_INVALID', { detail: { expected: digest, actual } })
      shelves.contents.set(digest, bytes)
      repositoryFor(shelves, repository).blobs.add(digest)
      shelves.uploads.delete(key.id)
    },
    async cancel(repository, key) {
      find(repository, key)
      shelves.uploads.delete(key.id)
    },
    async mount(repository, digest, from) {
      if (shelves.repositories.get(repositoryText(from))?.blobs.has(digest) !== true) return false
      repositoryFor(shelves, repository).blobs.add(digest)
      return true
    },
    homes: (digest, admits) =>
      [...shelves.repositories.values()]
        .filter(({ blobs, repository }) => blobs.has(digest) && admits(repository))
        .map(({ repository }) => repository),
  }
}

function memoryEdits(shelves: Shelves): Edits {
  return {
    async putManifest(repository, { descriptor, bytes, tags, refers }) {
      const target = repositoryFor(shelves, repository)
      shelves.contents.set(descriptor.digest, bytes)
      target.manifests.set(descriptor.digest, descriptor)
      if (refers !== undefined) {
        const others = target.referrers.get(refers.to) ?? new Map<Digest, Referrer>()
        target.referrers.set(refers.to, others.set(descriptor.digest, refers.as))
      }
      for (const tag of tags) target.tags.set(tag, descriptor.digest)
      return { isListed: true }
    },
    async deleteManifest(repository, digest, { subject } = {}) {
      const known = shelves.repositories.get(repositoryText(repository))
      if (known?.manifests.delete(digest) !== true) return false
      for (const [tag, target] of known.tags) if (target === digest) known.tags.delete(tag)
      if (subject !== undefined) known.referrers.get(subject)?.delete(digest)
      return true
    },
    deleteTag: async (repository, tag) =>
      shelves.repositories.get(repositoryText(repository))?.tags.delete(tag) === true,
    unlinkBlob: async (repository, digest) =>
      shelves.repositories.get(repositoryText(repository))?.blobs.delete(digest) === true,
  }
}
