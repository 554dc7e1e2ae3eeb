import { MAX_JUDGED, type StoredGarbage } from '../../../lib/api/index.ts'
import type { Backend } from '../../../lib/backend/index.ts'
import {
  type AbortOptions,
  appError,
  type Clock,
  inTurns,
  parseJson,
  type Random,
  starPattern,
  type TokenBucket,
} from '../../../lib/base/index.ts'
import { type Digest, parseDigest, type Repository, repositoryText, type Tag } from '../../../lib/core/index.ts'
import type { Catalog } from '../catalog.ts'
import { namedDigests } from '../garbage/named-digests.ts'
import { indexKey, manifestPrefix, tagPrefix } from '../index-keys.ts'
import type { IndexRecords } from '../index-records.ts'
import { keyPages } from '../key-pages.ts'
import { manifestLinkRecords } from '../link-records.ts'
import { newSentence, type Sentence } from '../sentences.ts'
import type { TagRecords } from '../tag-records.ts'
import type { TagRecord } from '../tag-version.ts'
import type { UntaggedRule } from './config.ts'
import { type DoomedManifest, type JudgedManifests, judgeManifests, type ManifestFacts } from './judge-manifests.ts'

/** Manifests of one repository that are judged together, and tags. */
export const MAX_MANIFESTS = 100_000
/** Other manifests that they name, all together. */
const MAX_EDGES = 2_000_000
/** Records and manifests read at the same time. */
const READS = 8

export interface RepositoryManifestsComponents {
  /** Of the index. */
  readonly backend: Backend
  readonly records: IndexRecords
  readonly tags: Pick<TagRecords, 'read' | 'delete'>
  readonly catalog: Pick<Catalog, 'leaveIfEmpty'>
  readonly stored: Pick<StoredGarbage, 'held'>
  /** The bytes of a manifest, proven by its digest. @throws MANIFEST_UNKNOWN and others */
  readonly readManifest: (repository: Repository, digest: Digest, options: AbortOptions) => Promise<Uint8Array>
  readonly clock: Clock
  readonly random: Random
  readonly pace: TokenBucket
}

/** What was read of a repository, and what the rules say of it. */
export interface FoundManifests extends JudgedManifests {
  readonly sentences: ReadonlyMap<Digest, Sentence>
  readonly versions: ReadonlyMap<Tag, TagRecord['version']>
}

/**
 * The manifests of one repository that nothing needs. Every method: @throws what the backend, the origins and `readManifest`
 * throw, ABORTED
 */
export interface RepositoryManifests {
  /** Undefined where no rule is about the repository. @throws RETENTION_TOO_MANY_MANIFESTS */
  judged(repository: Repository, options: AbortOptions): Promise<FoundManifests | undefined>
  /** Writes down what nothing needs from now on, and takes back what was written of those that are needed again. */
  note(repository: Repository, found: FoundManifests, options: AbortOptions): Promise<void>
  /**
   * Deletes the manifest as a client would, with the names under which it signs something, unless somebody has asked for
   * it since it was judged, or has set such a name. Returns whether it was deleted.
   */
  remove(repository: Repository, found: FoundManifests, doomed: DoomedManifest, options: AbortOptions): Promise<boolean>
}

export function repositoryManifests(
  components: RepositoryManifestsComponents,
  rules: readonly UntaggedRule[],
): RepositoryManifests {
  const { records, clock, random, pace } = components
  const links = manifestLinkRecords(records)
  const patterns = rules.map(({ repository, olderThan }) => ({ places: starPattern(repository), olderThan }))
  const keyOf = (repository: Repository, digest: Digest) => indexKey(repository, { kind: 'manifest', digest })
  return {
    async judged(repository, options) {
      const rule = patterns.find(({ places }) => places.fits(repositoryText(repository)))
      if (rule === undefined) return undefined
      // What is needed from now on may not be seen here; but then its sentence is younger, or was taken away.
      const beforeMs = clock.now() - rule.olderThan
      const { tags, versions } = await tagsOf(components, repository, options)
      const { manifests, sentences } = await manifestsOf(components, repository, options)
      const judge = (held: ReadonlySet<Digest>) => judgeManifests({ manifests, tags }, { beforeMs, held })
      const first = judge(new Set())
      const held = await heldOf(components, first.doomed.flat(), options)
      return { ...(held.size === 0 ? first : judge(held)), sentences, versions }
    },
    async note(repository, { condemned, pardoned }, options) {
      await pace.take(condemned.length + pardoned.length, options)
      await inTurns(condemned, READS, (digest) =>
        links.condemn(keyOf(repository, digest), newSentence(random, clock.now()), options),
      )
      await inTurns(pardoned, READS, (digest) => links.spared(keyOf(repository, digest), options))
    },
    async remove(repository, { sentences, versions }, { digest, subject, tags }, options) {
      await pace.take(1 + tags.length, options)
      const sentence = sentences.get(digest)
      if (sentence === undefined) return false
      for (const tag of tags) {
        const version = versions.get(tag)
        if (!(await components.tags.delete(repository, tag, { ...options, version }))) return false
      }
      if (!(await removeLink(components, repository, { digest, subject, sentence }, options))) return false
      await components.catalog.leaveIfEmpty(repository, options)
      return true
    },
  }
}

/**
 * First the place in the list of referrers, as with a client: a removal that ends in between can be repeated. Who pushes the
 * manifest again meanwhile links it before it looks for that place; so either it makes it, or we find the link spared.
 */
async function removeLink(
  { backend, records }: RepositoryManifestsComponents,
  repository: Repository,
  doomed: { readonly digest: Digest; readonly subject: Digest | undefined; readonly sentence: Sentence },
  options: AbortOptions,
): Promise<boolean> {
  const { digest, subject, sentence } = doomed
  const remove = () =>
    manifestLinkRecords(records).remove(indexKey(repository, { kind: 'manifest', digest }), sentence, options)
  if (subject === undefined) return remove()
  const place = indexKey(repository, { kind: 'referrer', subject, digest })
  const entry = await records.read(place, (value) => Object(value) as object, options)
  if (entry !== undefined) await backend.delete(place, options)
  if (await remove()) return true
  if (entry !== undefined) await records.set(place, entry.value, options)
  return false
}

async function heldOf(
  { stored, pace }: RepositoryManifestsComponents,
  doomed: readonly DoomedManifest[],
  { signal }: AbortOptions,
): Promise<ReadonlySet<Digest>> {
  const held = new Set<Digest>()
  for (let i = 0; i < doomed.length; i += MAX_JUDGED) {
    const some = doomed.slice(i, i + MAX_JUDGED).map(({ digest }) => digest)
    await pace.take(some.length, { signal })
    for (const digest of await stored.held(some, { signal, everywhere: true })) held.add(digest)
  }
  return held
}

async function tagsOf(
  { backend, tags, pace }: RepositoryManifestsComponents,
  repository: Repository,
  options: AbortOptions,
) {
  const prefix = tagPrefix(repository)
  const versions = new Map<Tag, TagRecord['version']>()
  const targets: { readonly tag: Tag; readonly target: Digest }[] = []
  for await (const keys of keyPages(backend, prefix, options)) {
    if (targets.length + keys.length > MAX_MANIFESTS) throw appError('RETENTION_TOO_MANY_MANIFESTS')
    await pace.take(1 + keys.length, options)
    await inTurns(keys, READS, async (key) => {
      const tag = key.slice(prefix.length) as Tag
      const found = await tags.read(repository, tag, options)
      if (found?.target === undefined) return
      versions.set(tag, found.version)
      targets.push({ tag, target: found.target.digest })
    })
  }
  return { tags: targets, versions }
}

async function manifestsOf(
  { backend, records, readManifest, pace }: RepositoryManifestsComponents,
  repository: Repository,
  options: AbortOptions,
) {
  const prefix = manifestPrefix(repository)
  const digests = new Set<Digest>()
  for await (const keys of keyPages(backend, prefix, options)) {
    await pace.take(1, options)
    for (const key of keys) digests.add(parseDigest(key.slice(prefix.length)))
    if (digests.size > MAX_MANIFESTS) throw appError('RETENTION_TOO_MANY_MANIFESTS')
  }
  const links = manifestLinkRecords(records)
  const sentences = new Map<Digest, Sentence>()
  let edges = 0
  const read = async (digest: Digest): Promise<ManifestFacts | undefined> => {
    await pace.take(2, options)
    const found = await links.read(prefix + digest, options)
    if (found === undefined) return undefined
    const { condemned } = found
    if (condemned !== undefined) sentences.set(digest, condemned)
    const bytes = await readManifest(repository, digest, options)
    const named = namedDigests(bytes)
    const names = new Set([...named].filter((each) => each !== digest && digests.has(each)))
    edges += names.size
    if (edges > MAX_EDGES) throw appError('RETENTION_TOO_MANY_MANIFESTS')
    return { digest, names, subject: subjectIn(bytes, named), condemnedAtMs: condemned?.atMs }
  }
  const found = await inTurns([...digests].toSorted(), READS, read)
  return { manifests: found.filter((each) => each !== undefined), sentences }
}

/** Of manifests of any type; undefined where it is malformed. `named`: every digest that stands in it. */
function subjectIn(manifest: Uint8Array, named: ReadonlySet<Digest>): Digest | undefined {
  const { subject } = parseJson(Buffer.from(manifest).toString('utf8')) as { readonly subject?: { digest?: unknown } }
  const digest = subject?.digest as Digest
  return named.has(digest) ? digest : undefined
}
