import { type AbortOptions, appError, hasCode, inTurns } from '../../../lib/base/index.ts'
import type { Descriptor, Repository, Tag } from '../../../lib/core/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import type { VersionedTags } from '../tag-records.ts'
import { compareRecords, compareVersions, type TagRecord } from '../tag-version.ts'
import type { Ended } from './ended.ts'
import { type Plan, type PlanComponents, planOf } from './plan.ts'
import { bringNewReferrers, bringReferrers } from './referrers-along.ts'
import { signatureTags, signedBy } from './rules.ts'
import { bringContent, type TransferComponents, type TransferTarget } from './transfer.ts'

/** Times that a tag may move while it is replicated, before the next try begins anew. */
const MAX_MOVES = 5
/** Tags of signatures looked for at the same time. */
const SIGNATURES_AT_ONCE = 16

export interface TagReplicationComponents extends PlanComponents, TransferComponents {
  readonly tags: VersionedTags
  readonly logger: Logger
  /** Called when the tag there has the same version and other content, and loses. */
  readonly onTie: (remote: string) => void
}

/**
 * Makes the tag at the remote what it is here: first all that it needs, then the signatures, then the tag itself.
 * A tag that moves meanwhile is begun again with what is new; so the remote never sees a mix.
 * @throws REPLICA_SAME_CLUSTER, REPLICA_FAILED when it never stands still, REPLICA_INCOMPLETE, MANIFEST_UNKNOWN or BLOB_UNKNOWN when something
 * of it is lost here, and what the remote and its origins answer
 */
export async function replicateTag(
  components: TagReplicationComponents,
  target: TransferTarget,
  tag: Tag,
  options: AbortOptions,
): Promise<Ended> {
  const { remote, repository, status } = target
  await remote.describe(options)
  await bringNewReferrers(components, target, tag, options)
  for (let moves = 0; moves < MAX_MOVES; moves += 1) {
    const record = await components.tags.read(repository, tag, options)
    if (record === undefined) return { outcome: 'gone' }
    const version = { version: record.version, ...(record.target && { digest: record.target.digest }) }
    status.change({ ...version, totalBytes: 0, doneBytes: 0 })
    const settled = await settledThere(components, target, { tag, record }, options)
    if (settled !== undefined) return { ...version, ...settled }
    await status.save()
    if (record.target === undefined) {
      const answer = await remote.replicas.deleteTag(repository, tag, { version: record.version, ...options })
      return { ...version, ...endOf(answer) }
    }
    await bringAll(components, target, { tag, descriptor: record.target }, options)
    const now = await components.tags.read(repository, tag, options)
    if (now === undefined || compareRecords(now, record) !== 0) continue
    const sent = { descriptor: record.target, version: record.version, ...options }
    return { ...version, ...endOf(await remote.replicas.putTag(repository, tag, sent)) }
  }
  throw appError('REPLICA_FAILED', { message: 'the tag moves faster than it is replicated', detail: { tag } })
}

/**
 * How it ended, if nothing has to be sent. A deletion is sent also when the tag is not there: an older copy of the tag may
 * still be on its way to it.
 */
async function settledThere(
  { logger, onTie }: TagReplicationComponents,
  { remote, repository }: TransferTarget,
  { tag, record }: { readonly tag: Tag; readonly record: TagRecord },
  options: AbortOptions,
): Promise<Ended | undefined> {
  const there = await remote.replicas.getTag(repository, tag, options)
  if (there !== undefined) {
    const order = compareRecords(record, { target: there.descriptor, version: there.version })
    if (order < 0) return { outcome: 'older', laterVersion: there.version }
    if (order === 0) return { outcome: 'same' }
    if (compareVersions(record.version, there.version) === 0) {
      const fields = { remote: remote.name, tag, version: record.version, lost: there.descriptor?.digest }
      logger.warn('a tag of the remote has the version of ours and other content; it is replaced', fields)
      onTie(remote.name)
    }
  }
  if (record.target === undefined && !remote.deletes) {
    return { outcome: there?.descriptor === undefined ? 'gone' : 'unwanted' }
  }
  const signed = remote.fits(repository, tag) ? undefined : signedBy(tag)
  if (signed === undefined) return undefined
  // The tag of a signature that no rule asks for goes where the signed manifest is.
  const { manifests } = await remote.replicas.states(repository, { manifests: [signed], blobs: [], ...options })
  return manifests[0] === 'linked' ? undefined : { outcome: 'unwanted' }
}

async function bringAll(
  components: TagReplicationComponents,
  target: TransferTarget,
  { tag, descriptor }: { readonly tag: Tag; readonly descriptor: Descriptor },
  options: AbortOptions,
): Promise<void> {
  const { remote, repository } = target
  const plan = await planOf(components, repository, descriptor, options)
  await bringContent(components, target, plan, options)
  if (!remote.signatures) return
  await bringReferrers(
    components,
    target,
    plan.manifests.map(({ digest }) => digest),
    options,
  )
  if (signedBy(tag) !== undefined) return
  for (const { name, descriptor: signature, version } of await signaturesOf(components, repository, plan, options)) {
    try {
      await bringContent(components, target, await planOf(components, repository, signature, options), options)
      await remote.replicas.putTag(repository, name, { descriptor: signature, version, ...options })
    } catch (err) {
      // What is lost of a signature must not keep the image from going along.
      if (!hasCode(err, 'MANIFEST_UNKNOWN', 'BLOB_UNKNOWN', 'MANIFEST_INVALID', 'REPLICA_TOO_LARGE')) throw err
      components.logger.warn('a signature cannot be replicated; its image goes without it', { tag: name, err })
    }
  }
}

/** The tags that sign one of the manifests. */
async function signaturesOf(
  { tags }: TagReplicationComponents,
  repository: Repository,
  { manifests }: Plan,
  options: AbortOptions,
) {
  const names = manifests.flatMap(({ digest }) => signatureTags(digest))
  const found: { readonly name: Tag; readonly descriptor: Descriptor; readonly version: TagRecord['version'] }[] = []
  const records = await inTurns(names, SIGNATURES_AT_ONCE, (name) => tags.read(repository, name, options))
  for (const [at, name] of names.entries()) {
    const record = records[at]
    if (record?.target !== undefined) found.push({ name, descriptor: record.target, version: record.version })
  }
  return found
}

const endOf = ({
  outcome,
  version,
}: {
  readonly outcome: 'taken' | 'same' | 'older'
  readonly version: TagRecord['version']
}): Ended => (outcome === 'older' ? { outcome, laterVersion: version } : { outcome })
