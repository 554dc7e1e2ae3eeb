import type { Readable } from 'node:stream'
import type { AbortOptions } from '../base/index.ts'
import type { ByteRange, Descriptor, Digest, Repository, RepositoryName, Tag } from '../core/index.ts'

/** What a manifest is asked for by. */
export type Reference =
  | { readonly kind: 'tag'; readonly tag: Tag }
  | { readonly kind: 'digest'; readonly digest: Digest }

/** A blob that the repository has. Whoever found it closes it, in a `finally`, opened or not. */
export interface FoundBlob {
  /** Bytes. */
  readonly size: number
  /**
   * Streams the bytes of `range`, which lies within the blob. The stream fails rather than ends early; destroying it
   * frees whatever stands behind it. @throws UNAVAILABLE and other retryable codes, ABORTED; BLOB_UNKNOWN if it went meanwhile
   */
  open(range: ByteRange, options?: AbortOptions): Promise<Readable>
  /** Lets go of what stands behind the finding; idempotent. To be called once its streams are over. */
  close(): void
}

export interface Blobs {
  /**
   * Undefined unless this repository links the blob, whoever else has it. An outage throws (UNAVAILABLE and the like)
   * and is never "not found".
   */
  find(repository: Repository, digest: Digest, options?: AbortOptions): Promise<FoundBlob | undefined>
}

export interface Manifests {
  /** Undefined when the repository has no such tag or manifest; an outage throws. A digest is never answered by another algorithm's. */
  resolve(repository: Repository, reference: Reference, options?: AbortOptions): Promise<Descriptor | undefined>
  /** The exact bytes that were pushed, for a descriptor that `resolve` gave. @throws MANIFEST_UNKNOWN if it went meanwhile */
  read(repository: Repository, descriptor: Descriptor, options?: AbortOptions): Promise<Uint8Array>
}

/** One page of a list, in byte order. */
export interface Page<T extends string> {
  readonly items: readonly T[]
  /** True when items after the last one remain. */
  readonly more: boolean
}

export interface PageOptions extends AbortOptions {
  /** Exclusive; the page starts with what follows it. Any text, not necessarily an item. */
  readonly after?: string
  /** At least 1. The page may be shorter, then `more` tells. */
  readonly limit: number
}

export interface Tags {
  /** Undefined when nothing was ever pushed to the repository. */
  list(repository: Repository, options: PageOptions): Promise<Page<Tag> | undefined>
  /** The names of our own repositories. */
  repositories(options: PageOptions): Promise<Page<RepositoryName>>
}

/** An upload under way. */
export interface UploadSession {
  /** Opaque, unguessable, safe in a path. */
  readonly id: string
  /** The node that holds the bytes; empty where there is only one. */
  readonly member: string
  /** Bytes received so far. */
  readonly size: number
}

/** What names a session; the front takes it from a Location that it signed itself. */
export type UploadKey = Pick<UploadSession, 'id' | 'member'>

export interface Uploads {
  create(repository: Repository, options?: AbortOptions): Promise<UploadSession>
  /** @throws BLOB_UPLOAD_UNKNOWN when the session ended or its node lost it. */
  status(repository: Repository, key: UploadKey, options?: AbortOptions): Promise<UploadSession>
  /**
   * Appends the whole source at `offset`, with backpressure. When the source fails, the bytes that came stay.
   * @throws BLOB_UPLOAD_UNKNOWN; UPLOAD_OFFSET when the session does not stand at `offset`; UPLOAD_CONFLICT while
   * another append runs
   */
  append(
    repository: Repository,
    key: UploadKey,
    source: Readable,
    options: AbortOptions & { readonly offset: number },
  ): Promise<UploadSession>
  /**
   * Ends the session: the blob is durable and linked in the repository when this resolves. After an error it stays.
   * @throws DIGEST_INVALID when the bytes are something else, BLOB_UPLOAD_UNKNOWN
   */
  commit(repository: Repository, key: UploadKey, digest: Digest, options?: AbortOptions): Promise<void>
  /** Forgets the session and its bytes. @throws BLOB_UPLOAD_UNKNOWN */
  cancel(repository: Repository, key: UploadKey, options?: AbortOptions): Promise<void>
  /**
   * Links a blob of `from` in the repository without moving bytes. False when `from` does not link it, or is undefined
   * and the storage does not search by itself.
   */
  mount(repository: Repository, digest: Digest, from: Repository | undefined, options?: AbortOptions): Promise<boolean>
}

/** A manifest that passed validation, about to be stored. */
export interface ManifestWrite {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
  /** Tags to move to it, after the bytes are durable. */
  readonly tags: readonly Tag[]
}

/** Changes of a repository other than uploads. Each is visible to every reader when it resolves. */
export interface Edits {
  putManifest(repository: Repository, write: ManifestWrite, options?: AbortOptions): Promise<void>
  /** Removes the manifest and every tag that points at it; false when there is none. */
  deleteManifest(repository: Repository, digest: Digest, options?: AbortOptions): Promise<boolean>
  /** Removes the tag alone; false when there is none. */
  deleteTag(repository: Repository, tag: Tag, options?: AbortOptions): Promise<boolean>
  /** Removes the blob from the repository, not from others; false when it is not linked. */
  unlinkBlob(repository: Repository, digest: Digest, options?: AbortOptions): Promise<boolean>
}

/** What stands behind the registry front. */
export interface RegistryStorage {
  readonly blobs: Blobs
  readonly manifests: Manifests
  readonly tags: Tags
  /** Absent: the registry is read-only and answers every write 405. */
  readonly writes?: { readonly uploads: Uploads; readonly edits: Edits }
}
