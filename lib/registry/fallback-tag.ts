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

/** The referrers that the fallback tag of a subject names; none without a tag, or when it is not such an index. */
export async function fallbackReferrers(
  manifests: Manifests,
  repository: Repository,
  subject: Digest,
  options: AbortOptions,
): Promise<readonly Referrer[] | undefined> {
  const found = await manifests.resolve(repository, { kind: 'tag', tag: fallbackTag(subject) }, options)
  if (found?.mediaType !== manifestMediaTypes.ociIndex) return undefined
  return entriesOf(await manifests.read(repository, found, options))
}

function entriesOf(index: Uint8Array): readonly Referrer[] | undefined {
  try {
    const { manifests } = parseObject(index)
    if (!Array.isArray(manifests)) return undefined
    return manifests.map((entry: unknown, at) => {
      const { digest, mediaType, size } = readDescriptor(entry, `manifests[${at}]`)
      return { digest, mediaType, size, ...referrerNotes(entry as object) }
    })
  } catch {
    return undefined
  }
}

/** The entries of both lists, each once, in the order of the digests; what `first` says of one counts. */
export function mergedReferrers(first: readonly Referrer[], second: readonly Referrer[]): readonly Referrer[] {
  const merged = new Map([...second, ...first].map((each) => [each.digest, each]))
  return [...merged.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1))
}

/** The index that names these referrers. */
export function referrersIndex(referrers: readonly Referrer[]): Uint8Array {
  const manifests = referrers.map(({ mediaType, digest, size, artifactType, annotations }) => ({
    ...{ mediaType, digest, size },
    ...(isPresent(artifactType) && { artifactType }),
    ...(isPresent(annotations) && { annotations }),
  }))
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: manifestMediaTypes.ociIndex, manifests }))
}

export interface FallbackTagComponents {
  readonly manifests: Manifests
  readonly referrers: Referrers
  readonly edits: Pick<Edits, 'putManifest'>
}

/**
 * Brings an existing fallback tag up to date, for clients that know nothing else: it names what the list of referrers names,
 * and what it named itself but `gone`. Whoever writes the tag looks at the list again afterwards, so the last writer has seen
 * what all others have put there before.
 */
export async function refreshFallback(
  { manifests, referrers, edits }: FallbackTagComponents,
  { repository, subject, gone }: { readonly repository: Repository; readonly subject: Digest; readonly gone?: Digest },
  options: AbortOptions,
): Promise<void> {
  for (let i = 0; i < TRIES; i += 1) {
    const named = await fallbackReferrers(manifests, repository, subject, options)
    if (named === undefined) return
    const listed = await allReferrers(referrers, repository, subject, options)
    const kept = named.filter(({ digest }) => digest !== gone)
    const bytes = referrersIndex(mergedReferrers(listed, kept))
    if (bytes.byteLength > MANIFEST_LIMIT || Buffer.compare(bytes, referrersIndex(mergedReferrers(named, []))) === 0)
      return
    const descriptor: Descriptor = {
      digest: digestOf(bytes),
      mediaType: manifestMediaTypes.ociIndex,
      size: bytes.byteLength,
    }
    const write = { descriptor, bytes, tags: [fallbackTag(subject)], refers: undefined }
    await edits.putManifest(repository, write, options)
  }
}

async function allReferrers(
  referrers: Referrers,
  repository: Repository,
  subject: Digest,
  options: AbortOptions,
): Promise<readonly Referrer[]> {
  const all: Referrer[] = []
  let last: Digest | undefined
  do {
    const page = await referrers.list(repository, subject, { ...options, last })
    all.push(...page.referrers)
    last = page.next
  } while (last !== undefined)
  return all
}
