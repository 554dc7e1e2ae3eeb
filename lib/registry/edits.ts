import { appError, hasCode, inTurns } from '../base/index.ts'
import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestOf,
  MANIFEST_LIMIT,
  parseDigest,
  parseTag,
  type Repository,
  type Tag,
} from '../core/index.ts'
import { type Exchange, readBytes, sendEmpty } from '../http/index.ts'
import { refreshFallback } from './fallback-tag.ts'
import { type CheckedManifest, checkManifest } from './manifest.ts'
import { parseReference, unknownManifest } from './reads.ts'
import type { Edits, Manifests, ManifestWrite, Reference, RegistryStorage } from './storage.ts'
import type { Traffic } from './traffic.ts'

/** Most tags that one push by digest may set at once. */
const MAX_TAGS = 32
/** Number of parallel look-ups for one manifest. */
const LOOKUPS = 8

/** PUT of manifests, and all DELETE requests. */
export interface EditOperations {
  putManifest(exchange: Exchange, repository: Repository, referenceText: string): Promise<void>
  deleteManifest(exchange: Exchange, repository: Repository, referenceText: string): Promise<void>
  deleteBlob(exchange: Exchange, repository: Repository, digestText: string): Promise<void>
}

export interface EditComponents {
  readonly storage: Pick<RegistryStorage, 'blobs' | 'manifests' | 'referrers'>
  readonly edits: Edits
  readonly traffic: Traffic
  /** Whether an index may be pushed there although the repository lacks manifests that it names. */
  readonly mayBeSparse: (repository: Repository) => boolean
}

export function editOperations({ storage, edits, traffic, mayBeSparse }: EditComponents): EditOperations {
  const requireReferences = async (repository: Repository, checked: CheckedManifest, signal: AbortSignal) => {
    const hasBlob = async ({ digest }: Descriptor) => {
      const blob = await storage.blobs.find(repository, digest, { signal })
      blob?.close()
      return blob !== undefined
    }
    const hasManifest = async ({ digest }: Descriptor) =>
      (await storage.manifests.resolve(repository, { kind: 'digest', digest }, { signal })) !== undefined
    // Also a sparse index asks for all: so none of them goes that it is about to name.
    const [asked, children] = mayBeSparse(repository) ? [checked.manifests, []] : [[], checked.manifests]
    await inTurns(asked, LOOKUPS, hasManifest)
    const missing = (await firstMissing(checked.blobs, hasBlob)) ?? (await firstMissing(children, hasManifest))
    if (missing !== undefined) throw appError('MANIFEST_BLOB_UNKNOWN', { detail: { digest: missing.digest } })
  }

  const removeManifest = async (repository: Repository, digest: Digest, signal: AbortSignal) => {
    const subject = await subjectOf(storage.manifests, repository, digest, signal)
    const removed = await edits.deleteManifest(repository, digest, { signal, subject })
    if (!removed || subject === undefined) return removed
    await refreshFallback({ ...storage, edits }, { repository, subject, gone: digest }, { signal })
    return true
  }

  return {
    async putManifest(exchange, repository, referenceText) {
      const { req, query, signal } = exchange
      const reference = parseReference(referenceText)
      const tags = tagsOf(reference, query)
      const bytes = await readBytes(exchange, MANIFEST_LIMIT)
      traffic.received(bytes.byteLength)
      const digest = digestFor(reference, bytes)
      const checked = checkManifest(bytes, req.headers['content-type'])
      await requireReferences(repository, checked, signal)
      const descriptor: Descriptor = { digest, mediaType: checked.mediaType, size: bytes.byteLength }
      const refers = referring(descriptor, checked)
      const { isListed } = await edits.putManifest(repository, { descriptor, bytes, tags, refers }, { signal })
      if (refers !== undefined && isListed) {
        await refreshFallback({ ...storage, edits }, { repository, subject: refers.to }, { signal })
        exchange.res.setHeader('oci-subject', refers.to)
      }
      if (reference.kind === 'digest' && tags.length > 0) exchange.res.setHeader('oci-tag', tags)
      const location = `/v2/${repository.name}/manifests/${digest}`
      sendEmpty(exchange, 201, { location, 'docker-content-digest': digest })
    },

    async deleteManifest(exchange, repository, referenceText) {
      const reference = parseReference(referenceText)
      const { signal } = exchange
      const removed =
        reference.kind === 'tag'
          ? await edits.deleteTag(repository, reference.tag, { signal })
          : await removeManifest(repository, reference.digest, signal)
      if (!removed) throw unknownManifest(referenceText)
      sendEmpty(exchange, 202)
    },

    async deleteBlob(exchange, repository, digestText) {
      const digest = parseDigest(digestText)
      const removed = await edits.unlinkBlob(repository, digest, { signal: exchange.signal })
      if (!removed) throw appError('BLOB_UNKNOWN', { detail: { digest } })
      sendEmpty(exchange, 202)
    },
  }
}

/** The entry of a manifest in the list of its subject's referrers. */
function referring(descriptor: Descriptor, { about }: CheckedManifest): ManifestWrite['refers'] {
  if (about === undefined) return undefined
  const { subject, ...notes } = about
  return { to: subject, as: { ...descriptor, ...notes } }
}

/** The subject of a stored manifest; undefined when it has none, or when its bytes are lost. */
async function subjectOf(
  manifests: Manifests,
  repository: Repository,
  digest: Digest,
  signal: AbortSignal,
): Promise<Digest | undefined> {
  const descriptor = await manifests.resolve(repository, { kind: 'digest', digest }, { signal })
  if (descriptor === undefined) return undefined
  try {
    const bytes = await manifests.read(repository, descriptor, { signal })
    return checkManifest(bytes, descriptor.mediaType).about?.subject
  } catch (err) {
    if (hasCode(err, 'MANIFEST_UNKNOWN', 'MANIFEST_INVALID')) return undefined
    throw err
  }
}

/** The digest of the bytes, with the algorithm of the reference; for a tag, sha256. @throws DIGEST_INVALID */
function digestFor(reference: Reference, bytes: Uint8Array): Digest {
  if (reference.kind === 'tag') return digestOf(bytes)
  const { digest } = reference
  const actual = digestOf(bytes, digestAlgorithm(digest))
  if (actual !== digest) throw appError('DIGEST_INVALID', { detail: { expected: digest, actual } })
  return digest
}

/** A push by digest may name tags in the query; a push by tag sets only that tag. */
function tagsOf(reference: Reference, query: URLSearchParams): readonly Tag[] {
  if (reference.kind === 'tag') return [reference.tag]
  const named = [...new Set(query.getAll('tag'))]
  if (named.length > MAX_TAGS) throw appError('TAG_INVALID', { message: `at most ${MAX_TAGS} tags in one request` })
  return named.map(parseTag)
}

/** The first of `wanted`, in their order, that is missing; looks up a few at a time. */
async function firstMissing(
  wanted: readonly Descriptor[],
  isThere: (one: Descriptor) => Promise<boolean>,
): Promise<Descriptor | undefined> {
  for (let i = 0; i < wanted.length; i += LOOKUPS) {
    const some = wanted.slice(i, i + LOOKUPS)
    const found = await Promise.all(some.map(isThere))
    const absent = found.indexOf(false)
    if (absent >= 0) return some[absent]
  }
  return undefined
}
