import type { BuildIndex } from '../../../lib/api/index.ts'
import { type AbortOptions, hasCode } from '../../../lib/base/index.ts'
import type { Digest, Referrer, Repository, Tag } from '../../../lib/core/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import { type PlanComponents, planOf } from './plan.ts'
import { referrersTag, signedBy } from './rules.ts'
import { bringContent, type TransferComponents, type TransferTarget } from './transfer.ts'

/** Referrers of referrers, as the signature of an attestation is one. */
const DEPTH = 4
/** Of one tag; beyond that its image goes without the others. */
const MOST = 10_000

export interface ReferrersAlongComponents extends PlanComponents, TransferComponents {
  readonly logger: Logger
}

/**
 * A new referrer is announced by the tag that stands for the list of its subject. It goes where its subject is; where that
 * is not, it comes with it.
 */
export async function bringNewReferrers(
  components: ReferrersAlongComponents,
  target: TransferTarget,
  tag: Tag,
  options: AbortOptions,
): Promise<void> {
  const { remote, repository } = target
  const subject = signedBy(tag)
  if (subject === undefined || referrersTag(subject) !== tag || !remote.signatures) return
  const { manifests } = await remote.replicas.states(repository, { manifests: [subject], blobs: [], ...options })
  if (manifests[0] === 'linked') await bringReferrers(components, target, [subject], options)
}

/** Brings all that refers to these manifests, what refers to that, and the places of all in the lists. */
export async function bringReferrers(
  components: ReferrersAlongComponents,
  target: TransferTarget,
  subjects: readonly Digest[],
  options: AbortOptions,
): Promise<void> {
  const seen = new Set<Digest>()
  let level = subjects
  for (let depth = 0; depth < DEPTH && level.length > 0; depth += 1) {
    const next: Digest[] = []
    for (const subject of level) {
      const referrers = await listed(components.index, target.repository, subject, options)
      const fresh = referrers.filter(({ digest }) => !seen.has(digest)).slice(0, MOST - seen.size)
      for (const referrer of fresh) {
        seen.add(referrer.digest)
        const outcome = await bringOne(components, target, { subject, referrer }, options)
        if (outcome === 'unwanted') return
        if (outcome === 'brought') next.push(referrer.digest)
      }
    }
    level = next
  }
}

/** `unwanted`: the remote keeps no lists. */
async function bringOne(
  components: ReferrersAlongComponents,
  target: TransferTarget,
  { subject, referrer }: { readonly subject: Digest; readonly referrer: Referrer },
  options: AbortOptions,
): Promise<'brought' | 'lost' | 'unwanted'> {
  const { remote, repository } = target
  try {
    await bringContent(components, target, await planOf(components, repository, referrer, options), options)
    await remote.index.putReferrer(repository, subject, referrer, options)
    return 'brought'
  } catch (err) {
    if (hasCode(err, 'REFERRERS_UNSUPPORTED')) return 'unwanted'
    // What is lost of a signature must not keep the image from going along.
    if (!hasCode(err, 'MANIFEST_UNKNOWN', 'BLOB_UNKNOWN', 'MANIFEST_INVALID', 'REPLICA_TOO_LARGE')) throw err
    const fields = { remote: remote.name, subject, digest: referrer.digest, err }
    components.logger.warn('a referrer cannot be replicated; its subject goes without it', fields)
    return 'lost'
  }
}

/** None where no lists are kept. */
async function listed(
  index: Pick<BuildIndex, 'listReferrers'>,
  repository: Repository,
  subject: Digest,
  options: AbortOptions,
): Promise<readonly Referrer[]> {
  const all: Referrer[] = []
  let last: Digest | undefined
  try {
    do {
      const page = await index.listReferrers(repository, subject, { ...options, last })
      all.push(...page.referrers)
      last = page.next
    } while (last !== undefined && all.length < MOST)
  } catch (err) {
    if (!hasCode(err, 'REFERRERS_UNSUPPORTED')) throw err
  }
  return all
}
