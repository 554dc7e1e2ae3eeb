import type { Durability } from '../../../lib/backend/index.ts'
import { type AbortOptions, appError, hasCode, isAbort } from '../../../lib/base/index.ts'
import { type Cluster, type Member, reportFailure } from '../../../lib/cluster/index.ts'
import type { Repository } from '../../../lib/core/index.ts'
import type { StoredBlob } from '../../../lib/store/index.ts'
import type { Counter, Family, Logger, Metrics } from '../../../lib/telemetry/index.ts'
import type { Siblings } from '../ring/siblings.ts'
import { type BackendWriteComponents, type PlacedContent, writeToBackend } from './backend-write.ts'
import type { WriteBack } from './write-back.ts'

/** Copies with a task that an acknowledgement needs when it does not wait for the backend: one of them may be lost. */
const ENOUGH_COPIES = 2

export interface PlacementComponents extends Omit<BackendWriteComponents, 'onSent'> {
  readonly cluster: Cluster
  readonly siblings: Siblings
  readonly writeBack: Pick<WriteBack, 'keep' | 'waitingBytes' | 'maxWaitingBytes'>
  /** The durability that the rule of a repository demands. */
  readonly durabilityOf: (repository: Repository) => Durability
  readonly logger: Logger
  readonly onSent: (to: 'replica' | 'backend', bytes: number) => void
  /** Counts pushes by what their acknowledgement waited for. */
  readonly pushes: Family<Counter, 'kind'>
}

export interface PlaceOptions extends AbortOptions {
  /** Puts this member's own copy into the store. Called last, at most once. */
  readonly own: () => Promise<StoredBlob>
}

/**
 * Puts a new blob on every live owner, and into the backend: at once, or later where the rule says `replicas`. An owner
 * that fails meanwhile is replaced by the next member on the ring. Where no owner can be reached, the blob stays here: the
 * client has reached this member, and so will those who read.
 */
export interface Placement {
  /**
   * Resolves when all live owners and the backend have the blob durably. With `replicas` it resolves when at least two
   * members have the blob together with the durable task to write it to the backend; when fewer members can, or when
   * too much waits already, it waits for the backend instead. `kept` tells whether this member keeps its own copy.
   * @throws what the backend's write threw; `own` was not called then
   */
  place(content: PlacedContent, options: PlaceOptions): Promise<{ readonly kept: boolean }>
}

/** A member that has a copy and its task, or will have them. */
interface Slot {
  readonly member: Member
  readonly rank: number
}

/** Options of a hand-over; `rank` is that of the copy's task, if the copy comes with one. */
interface Handover extends AbortOptions {
  readonly rank?: number | undefined
}

class OriginPlacement implements Placement {
  readonly #components: PlacementComponents
  readonly #memberId: string

  constructor(components: PlacementComponents, memberId: string) {
    this.#components = components
    this.#memberId = memberId
  }

  async place(content: PlacedContent, options: PlaceOptions) {
    const isWaiting = this.#mayWait(content) && (await this.#onReplicas(content, options))
    const { kind, kept } = isWaiting || (await this.#inBackend(content, options))
    this.#components.pushes.with({ kind }).add()
    return { kept }
  }

  #isSelf(member: Member): boolean {
    return member.id === this.#memberId
  }

  #mayWait({ blob, size }: PlacedContent): boolean {
    const { durabilityOf, cluster, writeBack } = this.#components
    return (
      durabilityOf(blob.repository) === 'replicas' &&
      cluster.owners(blob.digest).length >= ENOUGH_COPIES &&
      writeBack.waitingBytes + size <= writeBack.maxWaitingBytes
    )
  }

  async #inBackend(content: PlacedContent, { own, signal }: PlaceOptions) {
    const [spared, kept] = await Promise.all([
      writeToBackend(this.#components, content, { signal }),
      this.#copyToOwners(content, { signal }),
    ])
    // The copies took long: a look for garbage may have found the blob meanwhile.
    if (!spared.isFresh()) await writeToBackend(this.#components, content, { signal })
    if (kept) await own()
    return { kind: 'backend', kept } as const
  }

  /**
   * Makes every copy with its task; false when too few can be made. This member's own copy comes last: a failure before
   * it leaves the upload as it was.
   */
  async #onReplicas(content: PlacedContent, { own, signal }: PlaceOptions) {
    const { blob, size } = content
    const filled = await this.#fillSlots(content, { signal })
    const ownRank = filled.find(({ member }) => this.#isSelf(member))?.rank
    try {
      if (filled.length < ENOUGH_COPIES) throw appError('WRITE_BACK_FULL')
      if (ownRank !== undefined) await this.#components.writeBack.keep({ blob, size, rank: ownRank }, own)
      return { kind: 'replicas', kept: ownRank !== undefined } as const
    } catch (err) {
      if (!hasCode(err, 'WRITE_BACK_FULL')) throw err
      const fields = { digest: blob.digest, copies: filled.length }
      this.#components.logger.warn(
        'too few origins can keep a copy and its task, so a push waits for the backend',
        fields,
      )
      return false
    }
  }

  /**
   * One slot for each live owner, in ring order. The next healthy member replaces an owner that fails, with the same
   * rank, so that some member still writes at once. This member's own slot is only reserved.
   */
  async #fillSlots(content: PlacedContent, options: AbortOptions): Promise<readonly Slot[]> {
    const { cluster } = this.#components
    const { digest } = content.blob
    const live = cluster.liveOwners(digest)
    const spares = cluster.candidates(digest).filter((member) => !live.includes(member) && cluster.isHealthy(member.id))
    const fill = async (owner: Member, rank: number): Promise<readonly Slot[]> => {
      for (let member: Member | undefined = owner; member !== undefined; member = spares.shift()) {
        if (this.#isSelf(member) || (await this.#copyTo(member, content, { ...options, rank })))
          return [{ member, rank }]
      }
      return []
    }
    return (await Promise.all(live.map(fill))).flat()
  }

  /**
   * Hands a copy to every live owner, also to those that become one because others fail. The result tells whether this
   * member keeps its own: as an owner, or because no owner has taken one.
   */
  async #copyToOwners(content: PlacedContent, options: AbortOptions): Promise<boolean> {
    const { cluster } = this.#components
    const asked = new Set<string>()
    let [kept, copies] = [false, 0]
    for (;;) {
      const todo = cluster.liveOwners(content.blob.digest).filter(({ id }) => !asked.has(id))
      if (todo.length === 0) return kept || copies === 0
      for (const { id } of todo) asked.add(id)
      const others = todo.filter((member) => !this.#isSelf(member))
      kept ||= others.length < todo.length
      const done = await Promise.all(others.map((member) => this.#copyTo(member, content, options)))
      copies += done.filter(Boolean).length
    }
  }

  async #copyTo(member: Member, content: PlacedContent, options: Handover): Promise<boolean> {
    const { siblings, cluster, logger, onSent } = this.#components
    const { blob, size } = content
    const body = await content.read()
    try {
      await siblings.put(member, blob, { size, body }, options)
      cluster.report(member.id, 'ok')
      onSent('replica', size)
      return true
    } catch (err) {
      if (isAbort(err)) throw err
      reportFailure(cluster, member, err)
      logger.warn('failed to hand a copy to an owner', { member: member.id, digest: blob.digest, err })
      return false
    } finally {
      body.destroy()
    }
  }
}

export function placement(components: PlacementComponents, init: { readonly memberId: string }): Placement {
  return new OriginPlacement(components, init.memberId)
}

/** Counts pushes by what their acknowledgement waited for. */
export function pushes(metrics: Metrics): Family<Counter, 'kind'> {
  return metrics.counter(
    { name: 'shoal_pushes_total', help: 'Blobs pushed, by what their acknowledgement waited for.' },
    ['kind'],
  )
}
