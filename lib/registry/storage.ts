import type { Readable } from 'node:stream'
import type { AbortOptions } from '../base/index.ts'
import type {
  ByteRange,
  Descriptor,
  Digest,
  PullTerms,
  ReadPriority,
  Referrer,
  Repository,
  RepositoryName,
  Tag,
} from '../core/index.ts'
import type { Exchange } from '../http/index.ts'

/** How a manifest is requested. */
export type Reference =
  | { readonly kind: 'tag'; readonly tag: Tag }
  | { readonly kind: 'digest'; readonly digest: Digest }

/** How somebody reads a blob that may have to be brought first. */
export interface ReadManner {
  /** How urgent it is. */
  readonly priority?: ReadPriority
  /** The rest of the blob is to be brought, too, of which a range is read. */
  readonly fills?: boolean
  /** What the same reader opens behind this range, in this order. */
  readonly later?: readonly ByteRange[]
}

/** How somebody asks for what he pulls. */
export interface AskOptions extends AbortOptions {
  /** On which terms it is pulled; default: as usual. */
  readonly terms?: PullTerms | undefined
}

/** A blob that the repository has. The caller of `find` must close it, in a `finally`, whether or not it was opened. */
export interface FoundBlob {
  /** Bytes. */
  readonly size: number
  /**
   * Streams the bytes of `range`, which must lie within the blob. The stream never ends early; it fails instead.
   * Destroying it frees its resources. @throws UNAVAILABLE and other retryable codes, ABORTED; BLOB_UNKNOWN if the blob
   * was removed meanwhile
   */
  open(range: ByteRange, options?: AbortOptions & ReadManner): Promise<Readable>
  /** Frees the resources of this find; idempotent. Call it when all its streams are over. */
  close(): void
}

export interface Blobs {
  /**
   * Undefined unless this repository links the blob, even if other repositories have it. An outage throws (UNAVAILABLE
   * and similar codes) and is never reported as "not found".
   */
  find(repository: Repository, digest: Digest, options?: AskOptions): Promise<FoundBlob | undefined>
}

/** A manifest that a repository has. */
export interface FoundManifest extends Descriptor {
  /** Its registry does not answer, and this is what it said then: milliseconds since the epoch. */
  readonly staleSinceMs?: number | undefined
}

export interface Manifests {
  /**
   * Undefined when the repository has no such tag or manifest; an outage throws. A digest is never answered with one of
   * another algorithm.
   */
  resolve(repository: Repository, reference: Reference, options?: AskOptions): Promise<FoundManifest | undefined>
  /**
   * The exact bytes that were pushed, for a descriptor from `resolve`. @throws MANIFEST_UNKNOWN if the manifest was
   * removed meanwhile
   */
  read(repository: Repository, descriptor: Descriptor, options?: AskOptions): Promise<Uint8Array>
}

/** One page of a list, in byte order. */
export interface Page<T extends string> {
  readonly items: readonly T[]
  /** True when there are more items after the last one. */
  readonly more: boolean
}

export interface PageOptions extends AbortOptions {
  /** The page starts after this text, which need not be an item. */
  readonly after?: string
  /** At least 1. A page may be shorter than this; only `more` tells whether it is the last. */
  readonly limit: number
}

export interface Tags {
  /** Undefined when nothing was ever pushed to the repository. */
  list(repository: Repository, options: PageOptions): Promise<Page<Tag> | undefined>
  /** The names of our own repositories. */
  repositories(options: PageOptions): Promise<Page<RepositoryName>>
}

/** One page of what refers to a manifest, in the order of the digests. */
export interface ReferrerPage {
  readonly referrers: readonly Referrer[]
  /** The value of `last` for the next page, which may be behind the last one of this page; undefined on the last page. */
  readonly next?: Digest | undefined
  /** It has what a fallback tag names: a registry of others lists both itself. */
  readonly merged?: true | undefined
  /** That registry does not answer; this is what it said then, in milliseconds since the epoch. */
  readonly staleSinceMs?: number | undefined
}

export interface Referrers {
  /**
   * What has `subject` as its subject, after the digest `last`; an empty page for what nothing refers to. A page may be of
   * any length, also empty. @throws REFERRERS_UNSUPPORTED where no list is kept
   */
  list(
    repository: Repository,
    subject: Digest,
    options?: AbortOptions & { readonly last?: Digest | undefined },
  ): Promise<ReferrerPage>
}

/** A running upload. */
export interface UploadSession {
  /** Opaque, not guessable, safe in a path. */
  readonly id: string
  /** The node that holds the bytes; empty when there is only one node. */
  readonly member: string
  /** Bytes received so far. */
  readonly size: number
}

/** Identifies a session; the front reads it from a Location that it signed. */
export type UploadKey = Pick<UploadSession, 'id' | 'member'>

export interface Uploads {
  /** `client` names who uploads. @throws UPLOADS_FULL where too much is open, or too much of this client */
  create(repository: Repository, options?: AbortOptions & { readonly client?: string }): Promise<UploadSession>
  /** @throws BLOB_UPLOAD_UNKNOWN when the session has ended or its node has lost it */
  status(repository: Repository, key: UploadKey, options?: AbortOptions): Promise<UploadSession>
  /**
   * Appends the whole source at `offset`, with backpressure. When the source fails, the bytes received so far are kept.
   * @throws BLOB_UPLOAD_UNKNOWN; UPLOAD_OFFSET when `offset` is not the session's size; UPLOAD_CONFLICT while another
   *   append runs
   */
  append(
    repository: Repository,
    key: UploadKey,
    source: Readable | Uint8Array,
    options: AbortOptions & { readonly offset: number },
  ): Promise<UploadSession>
  /**
   * Ends the session: when this resolves, the blob is durable and linked in the repository. After an error the session
   * remains.
   * @throws DIGEST_INVALID when the bytes do not match, BLOB_UPLOAD_UNKNOWN
   */
  commit(repository: Repository, key: UploadKey, digest: Digest, options?: AbortOptions): Promise<void>
  /** Removes the session and its bytes. @throws BLOB_UPLOAD_UNKNOWN */
  cancel(repository: Repository, key: UploadKey, options?: AbortOptions): Promise<void>
  /**
   * Links a blob of `from`, which may be the repository itself, in the repository without copying bytes. False when `from`
   * does not link it.
   */
  mount(repository: Repository, digest: Digest, from: Repository, options?: AbortOptions): Promise<boolean>
  /**
   * Repositories that may have the blob, the likeliest first, for a mount that names none; only such as `admits` is true for.
   * It is a guess; `mount` finds out.
   */
  homes(digest: Digest, admits: (repository: Repository) => boolean): readonly Repository[]
}

/** A checked manifest that is to be stored. */
export interface ManifestWrite {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
  /** The manifest that it has as its subject, and the entry of this one in the list of that one's referrers. */
  readonly refers: { readonly to: Digest; readonly as: Referrer } | undefined
  /** Tags to move to the manifest when its bytes are durable. */
  readonly tags: readonly Tag[]
}

/** Changes of a repository other than uploads. When a call resolves, every reader sees its change. */
export interface Edits {
  /** `isListed` is false when no list of referrers is kept, so that the client has to keep one itself. */
  putManifest(
    repository: Repository,
    write: ManifestWrite,
    options?: AbortOptions,
  ): Promise<{ readonly isListed: boolean }>
  /**
   * Removes the manifest, every tag that points to it, and its place in the list of referrers of `subject`; false when there
   * is none.
   */
  deleteManifest(
    repository: Repository,
    digest: Digest,
    options?: AbortOptions & { readonly subject?: Digest | undefined },
  ): Promise<boolean>
  /** Removes only the tag; false when there is none. */
  deleteTag(repository: Repository, tag: Tag, options?: AbortOptions): Promise<boolean>
  /** Unlinks the blob from this repository only; false when it is not linked. */
  unlinkBlob(repository: Repository, digest: Digest, options?: AbortOptions): Promise<boolean>
}

/** Who asks, and what he shows. */
export type Reader = Pick<Exchange, 'req' | 'principal'>

/** For repositories whose own registry says who may read them, so that not every caller reads the same. */
export interface Readers {
  /**
   * Does `work` with what this caller may read, of every repository. Who may read what is as it was at the beginning, until
   * `work` ends, whatever changes meanwhile. The methods: @throws UNAUTHORIZED with the challenge of that registry, DENIED
   * besides
   */
  during<T>(reader: Reader, work: (storage: RegistryStorage) => Promise<T>): Promise<T>
  /** A ping of a front whose default is that registry. @throws UNAUTHORIZED, DENIED where the caller has to log in first */
  ping(reader: Reader, registry: Repository['registry'], options?: AbortOptions): Promise<void>
}

/** The storage behind the registry front. */
export interface RegistryStorage {
  readonly blobs: Blobs
  readonly manifests: Manifests
  readonly tags: Tags
  readonly referrers: Referrers
  /** When absent, the registry is read-only and answers every write with 405. */
  readonly writes?: { readonly uploads: Uploads; readonly edits: Edits }
  /** When there, all reads of callers go through it; the rest of this storage then is what everybody may read. */
  readonly readers?: Readers
}

/** One that takes pushes. */
export type WritableStorage = RegistryStorage & Required<Pick<RegistryStorage, 'writes'>>
