import type { AbortOptions } from '../base/index.ts'
import {
  type Descriptor,
  type Digest,
  digestOf,
  MANIFEST_LIMIT,
  parseTag,
  type Referrer,
  type Repository,
  type Tag,
} from '../core/index.ts'
import { isPresent, manifestMediaTypes, parseObject, readDescriptor } from './manifest-fields.ts'
import { referrerNotes } from './manifest-subject.ts'
import { type AskReferrers, collectReferrers } from './referrer-pages.ts'
import type { Edits, Manifests, Referrers } from './storage.ts'

/** Times that a tag is written again because others have changed the list meanwhile. */
const TRIES = 8

/**
 * The tag by which clients list the referrers of a manifest at a registry that does not (OCI distribution 1.1, "Referrers
 * Tag Schema"): an index that names them, written by the clients themselves.
 */
export function fallbackTag(subject: Digest): Tag {
  const [algorithm = '', hex = ''] = subject.split(':')
  return parseTag(`${algorithm.slice(0, 32)}-${hex.slice(0, 64)}`)
}

/** One entry of such an index: what it says of a referrer, and all its fields as they are. */
interface FallbackEntry {
  readonly referrer: Referrer
  readonly raw: unknown
}

interface FallbackIndex {
  readonly entries: readonly FallbackEntry[]
  /** The whole index. */
  readonly raw: object
  /** As of the tag. */
  readonly staleSinceMs?: number | undefined
}

/** What a fallback tag names; `staleSinceMs` as of the tag. */
export interface FallbackReferrers extends Pick<FallbackIndex, 'staleSinceMs'> {
  readonly referrers: readonly Referrer[]
}

/** The referrers that the fallback tag of a subject names; none without a tag, or when it is not such an index. */
export async function fallbackReferrers(
  manifests: Manifests,
  repository: Repository,
  subject: Digest,
  options: AbortOptions,
): Promise<FallbackReferrers> {
  const found = await readFallback(manifests, repository, subject, options)
  return { referrers: found?.entries.map(({ referrer }) => referrer) ?? [], staleSinceMs: found?.staleSinceMs }
}

async function readFallback(
  manifests: Manifests,
  repository: Repository,
  subject: Digest,
  options: AbortOptions,
): Promise<FallbackIndex | undefined> {
  const found = await manifests.resolve(repository, { kind: 'tag', tag: fallbackTag(subject) }, options)
  if (found?.mediaType !== manifestMediaTypes.ociIndex) return undefined
  const parsed = parsedFallback(await manifests.read(repository, found, options))
  return parsed && { ...parsed, staleSinceMs: found.staleSinceMs }
}

/** Images for platforms are no referrers: that is an image which somebody has tagged by a digest. */
function parsedFallback(index: Uint8Array): FallbackIndex | undefined {
  try {
    const raw = parseObject(index)
    if (!Array.isArray(raw.manifests)) return undefined
    const entries = raw.manifests.map((entry: unknown, at): FallbackEntry => {
      const { digest, mediaType, size } = readDescriptor(entry, `manifests[${at}]`)
      return { referrer: { digest, mediaType, size, ...referrerNotes(entry as object) }, raw: entry }
    })
    return entries.some((entry) => isPresent((entry.raw as { readonly platform?: unknown }).platform))
      ? undefined
      : { entries, raw }
  } catch {
    return undefined
  }
}

/** The entries of both lists, each once, in the order of the digests; what `first` says of one counts. */
export function mergedReferrers(first: readonly Referrer[], second: readonly Referrer[]): readonly Referrer[] {
  const merged = new Map([...second, ...first].map((each) => [each.digest, each]))
  return [...merged.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1))
}

const entryOf = ({ mediaType, digest, size, artifactType, annotations }: Referrer) => ({
  ...{ mediaType, digest, size },
  ...(isPresent(artifactType) && { artifactType }),
  ...(isPresent(annotations) && { annotations }),
})

/** The index that names these referrers. */
export function referrersIndex(referrers: readonly Referrer[]): Uint8Array {
  const manifests = referrers.map(entryOf)
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: manifestMediaTypes.ociIndex, manifests }))
}

export interface FallbackTagComponents {
  readonly manifests: Manifests
  readonly referrers: Referrers
  readonly edits: Pick<Edits, 'putManifest'>
}

/**
 * Brings an existing fallback tag up to date, for clients that know nothing else: it names what the list of referrers names
 * besides what it named itself, as it is, without `gone`. Whoever writes the tag looks at the list again afterwards, so the
 * last writer has seen what all others have put there before. What would not fit into a manifest is left as it is.
 */
export async function refreshFallback(
  { manifests, referrers, edits }: FallbackTagComponents,
  { repository, subject, gone }: { readonly repository: Repository; readonly subject: Digest; readonly gone?: Digest },
  options: AbortOptions,
): Promise<void> {
  for (let i = 0; i < TRIES; i += 1) {
    const found = await readFallback(manifests, repository, subject, options)
    if (found === undefined) return
    const ask: AskReferrers = (last) => referrers.list(repository, subject, { ...options, last })
    const { referrers: listed, next } = await collectReferrers(ask, undefined, { bytes: MANIFEST_LIMIT })
    // The list is larger than a manifest may be.
    if (next !== undefined) return
    const named = new Set(found.entries.map(({ referrer }) => referrer.digest))
    const added = listed.filter(({ digest }) => !named.has(digest))
    const kept = found.entries.filter(({ referrer }) => referrer.digest !== gone)
    if (added.length === 0 && kept.length === found.entries.length) return
    const index = { ...found.raw, manifests: [...kept.map(({ raw }) => raw), ...added.map(entryOf)] }
    const bytes = Buffer.from(JSON.stringify(index))
    if (bytes.byteLength > MANIFEST_LIMIT) return
    const { ociIndex: mediaType } = manifestMediaTypes
    const descriptor: Descriptor = { digest: digestOf(bytes), mediaType, size: bytes.byteLength }
    await edits.putManifest(repository, { descriptor, bytes, tags: [fallbackTag(subject)], refers: undefined }, options)
  }
}
