import type { Backend } from '../../../lib/backend/index.ts'
import {
  type AbortOptions,
  appError,
  type Clock,
  inTurns,
  type Random,
  type TokenBucket,
} from '../../../lib/base/index.ts'
import { type Digest, parseDigest, type Repository } from '../../../lib/core/index.ts'
import type { Catalog } from '../catalog.ts'
import { blobPrefix, manifestPrefix } from '../index-keys.ts'
import type { IndexRecords } from '../index-records.ts'
import { keyPages } from '../key-pages.ts'
import { blobLinkRecords } from '../link-records.ts'
import { newSentence } from '../sentences.ts'
import type { GarbageRun } from './garbage-run.ts'
import { namedDigests } from './named-digests.ts'

/** Manifests read at the same time, and links. */
const READS = 8
/** What the manifests of one repository may name; a repository with more keeps all its links. */
const MAX_NAMED = 2_000_000

export interface CleanLinksComponents {
  readonly backend: Backend
  readonly records: IndexRecords
  readonly catalog: Catalog
  readonly clock: Clock
  readonly random: Random
  /** The bytes of a manifest, proven by its digest. @throws MANIFEST_UNKNOWN and others */
  readonly readManifest: (repository: Repository, digest: Digest, options: AbortOptions) => Promise<Uint8Array>
  readonly pace: TokenBucket
}

/**
 * Looks at the blob links of a repository. One whose blob no manifest of the repository names is condemned; when it is
 * still condemned after the grace, and still not named, it is removed. Whoever finds a link takes the sentence away, and
 * has the grace to push a manifest that names the blob. Where there is no link no manifest is read: what is known of the
 * repositories of others would be fetched from them. @throws what the backend and `readManifest` throw
 */
export async function cleanLinks(
  components: CleanLinksComponents,
  run: GarbageRun,
  repository: Repository,
  options: AbortOptions,
): Promise<void> {
  const { backend, clock, pace, catalog } = components
  const { dryRun, graceMs } = run.report
  const lookedAtMs = clock.now()
  const prefix = blobPrefix(repository)
  const hasLinks = (await backend.list(prefix, { limit: 1, signal: options.signal })).keys.length > 0
  const named = await namedIn(components, run, repository, { ...options, reads: hasLinks })
  // A link that comes from now on is for the next look: what names it may not have been read.
  for await (const keys of hasLinks ? keyPages(backend, prefix, options) : []) {
    await pace.take(1, options)
    run.count('links', keys.length)
    const unnamed = keys.filter((key) => !named.digests.has(key.slice(prefix.length) as Digest))
    await pace.take(unnamed.length, options)
    await inTurns(unnamed, READS, async (key) => {
      const outcome = await judge(components, key, { dryRun, before: lookedAtMs - graceMs }, options)
      if (outcome !== undefined) run.count(outcome)
    })
  }
  if (dryRun) return
  if (named.manifests > 0) await catalog.enter(repository, options)
  else await catalog.leaveIfEmpty(repository, options)
}

interface Named {
  readonly manifests: number
  readonly digests: ReadonlySet<Digest>
}

async function namedIn(
  { backend, readManifest, pace }: CleanLinksComponents,
  run: GarbageRun,
  repository: Repository,
  { reads, ...options }: AbortOptions & { readonly reads: boolean },
): Promise<Named> {
  const digests = new Set<Digest>()
  let manifests = 0
  const prefix = manifestPrefix(repository)
  for await (const keys of keyPages(backend, prefix, options)) {
    manifests += keys.length
    run.count('manifests', keys.length)
    await pace.take(1 + (reads ? keys.length : 0), options)
    await inTurns(reads ? keys : [], READS, async (key) => {
      const digest = parseDigest(key.slice(prefix.length))
      digests.add(digest)
      for (const each of namedDigests(await readManifest(repository, digest, options))) digests.add(each)
      if (digests.size > MAX_NAMED) throw appError('REPLICA_TOO_LARGE')
    })
  }
  return { manifests, digests }
}

interface Judgement {
  readonly dryRun: boolean
  /** Links that were condemned at this time or earlier are removed. */
  readonly before: number
}

async function judge(
  { records, clock, random }: CleanLinksComponents,
  key: string,
  { dryRun, before }: Judgement,
  options: AbortOptions,
): Promise<'linksCondemned' | 'linksWaiting' | 'linksRemoved' | undefined> {
  const links = blobLinkRecords(records)
  const found = await links.read(key, options)
  if (found === undefined) return undefined
  const { condemned } = found
  if (condemned !== undefined && condemned.atMs > before) return 'linksWaiting'
  if (condemned !== undefined) {
    return dryRun || (await links.remove(key, condemned, options)) ? 'linksRemoved' : undefined
  }
  const isNew = dryRun || (await links.condemn(key, newSentence(random, clock.now()), options))
  return isNew ? 'linksCondemned' : undefined
}
