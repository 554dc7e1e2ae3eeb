import { type AbortOptions, throwIfAborted } from '../../../lib/base/index.ts'
import { type Cluster, type Member, reportFailure } from '../../../lib/cluster/index.ts'
import type { Digest } from '../../../lib/core/index.ts'
import type { StoredBlob } from '../../../lib/store/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import { blobKey } from '../blob-keys.ts'
import type { BlobNames } from '../blob-names.ts'
import type { Refusals } from '../bring/refusals.ts'
import type { Siblings } from '../ring/siblings.ts'

/** What another origin says of a whole blob: it lacks it, has it but may evict it, or has it and keeps it. */
export type Keeping = 'absent' | 'held' | 'kept'

export interface CopiesComponents {
  readonly cluster: Cluster
  readonly names: BlobNames
  readonly refusals: Pick<Refusals, 'hasIn'>
  readonly logger: Logger
  readonly siblings: Pick<Siblings, 'holding'>
  /** Whether this member is leaving; a leaving member owns no blob. */
  readonly isLeaving: () => boolean
}

/** Finds the other copies of a blob. It always asks anew, because callers are about to remove a copy. */
export interface Copies {
  /**
   * Whether this member is to keep the blob: it is an owner on the ring, or it replaces an owner that does not answer,
   * or it replaces `without`, which is about to leave.
   */
  isKeeper(digest: Digest, init?: { readonly without?: string | undefined }): boolean
  /** The other members that are to keep the blob. */
  others(digest: Digest): readonly Member[]
  /** Whether every backend of the blob has it in full. A backend that does not answer counts as not having it. */
  inBackend(blob: Pick<StoredBlob, 'digest' | 'size'>, options?: AbortOptions): Promise<boolean>
  /** What each of `others` says; a member that does not answer counts as `absent`. */
  keepings(digest: Digest, options?: AbortOptions): Promise<readonly (readonly [Member, Keeping])[]>
  /**
   * Whether the copy here may be removed: it came from a registry of others, and nobody was promised that it stays, so a
   * registry that is down fills no disk; or the backends have the blob; or this member is not to keep it, and all members
   * that are say they keep it. So the last keeper of a blob that is in no backend never removes it, whatever the other
   * members do at the same time.
   */
  mayGo(blob: Pick<StoredBlob, 'digest' | 'size'>, options?: AbortOptions): Promise<boolean>
}

export function copies(components: CopiesComponents, init: { readonly memberId: string }): Copies {
  const { cluster, names, refusals, logger, siblings, isLeaving } = components
  const isSelf = ({ id }: Member) => id === init.memberId

  /** The members that own the blob when the member with that id is left out. */
  const ownersWithout = (digest: Digest, id: string | undefined): readonly Member[] =>
    cluster
      .candidates(digest)
      .filter((member) => member.id !== id)
      .slice(0, cluster.owners(digest).length)

  const isKeeper: Copies['isKeeper'] = (digest, { without } = {}) =>
    !isLeaving() && [...cluster.owners(digest), ...ownersWithout(digest, without)].some(isSelf)

  const others = (digest: Digest): readonly Member[] =>
    ownersWithout(digest, isLeaving() ? init.memberId : undefined).filter((member) => !isSelf(member))

  const inBackend: Copies['inBackend'] = async ({ digest, size }, options = {}) => {
    try {
      const backends = await names.backends(digest)
      if (backends.some((backend) => refusals.hasIn(backend, digest))) return false
      const found = await Promise.all(backends.map((backend) => backend.stat(blobKey(digest), options)))
      return found.every((object) => object?.size === size)
    } catch (err) {
      throwIfAborted(options.signal)
      logger.debug('failed to ask a backend for a blob', { digest, err })
      return false
    }
  }

  const keepings: Copies['keepings'] = async (digest, options = {}) => {
    const [repository] = await names.of(digest)
    const leaving = isLeaving() ? init.memberId : undefined
    const one = async (member: Member): Promise<readonly [Member, Keeping]> => {
      try {
        const { verified, keeps } = await siblings.holding(member, { digest, repository }, { ...options, leaving })
        cluster.report(member.id, 'ok')
        if (!verified) return [member, 'absent']
        return [member, keeps ? 'kept' : 'held']
      } catch (err) {
        throwIfAborted(options.signal)
        reportFailure(cluster, member, err)
        logger.debug('failed to ask a member for a blob', { digest, member: member.id, err })
        return [member, 'absent']
      }
    }
    return Promise.all(others(digest).map(one))
  }

  return {
    isKeeper,
    others,
    inBackend,
    keepings,
    async mayGo(blob, options = {}) {
      if ((await names.isOthers(blob.digest)) || (await inBackend(blob, options))) return true
      if (isKeeper(blob.digest)) return false
      const answers = await keepings(blob.digest, options)
      return answers.length > 0 && answers.every(([, keeping]) => keeping === 'kept')
    },
  }
}
