import type { ObjectStat } from '../../../lib/backend/index.ts'
import { abortController, anySignal, appError, hasCode, throwIfAborted } from '../../../lib/base/index.ts'
import { type Member, reportFailure } from '../../../lib/cluster/index.ts'
import type { BlobRef } from '../../../lib/core/index.ts'
import type { PartialBlob, StoredBlob } from '../../../lib/store/index.ts'
import type { OnWanted } from '../../../lib/swarm/index.ts'
import { blobKey } from '../blob-keys.ts'
import { askBeforeRead, type Found, type Held, readerAmong, sizeFrom } from '../ring/holdings.ts'
import type { Claim } from '../ring/siblings.ts'
import { fillUnits } from './fill-units.ts'
import { type FollowFailures, followFailures } from './follow-failures.ts'
import { type Following, followUnits, untilJudged } from './follow-units.ts'
import { type Holds, holds } from './holds.ts'
import { type IngestReport, type IngestSource, reportOf } from './ingest-report.ts'
import type { IngestRun, IngestRunComponents, IngestRunInit } from './ingest-run-contract.ts'
import { type IntakeSlot, intakeSlot } from './intake-slot.ts'
import { runReads } from './run-reads.ts'
import type { SpareReads } from './spare-reads.ts'
import { wantsHold } from './wants-hold.ts'

class BlobIngestRun implements IngestRun {
  readonly done: Promise<StoredBlob>
  readonly holds: Holds
  readonly #components: IngestRunComponents
  readonly #blob: BlobRef
  readonly #memberId: string
  readonly #slot: IntakeSlot
  readonly #spare: SpareReads
  readonly #onUnwanted: () => void
  readonly #reads = runReads()
  readonly #startedAtMs: number
  #isBegun = false
  readonly #stop = abortController()
  /** Aborts the read from the owner that this run follows. */
  #unfollow = abortController()
  #claims: boolean
  #claim: Claim = 'none'
  /** Id of an origin that asked while this run was asking, and that has the prior claim to the backend. */
  #rival: string | undefined
  #followed: Member | undefined
  #held: readonly Held[] = []
  #units: ObjectStat | undefined
  readonly #failures: FollowFailures
  /** Bytes from other origins were wrong once, so everything is read from the backend now. */
  #backendOnly = false

  constructor(components: IngestRunComponents, blob: BlobRef, init: IngestRunInit) {
    this.#components = components
    this.#blob = blob
    this.#memberId = init.memberId
    this.#startedAtMs = components.clock.now()
    this.#claims = init.claims
    this.#failures = followFailures(components)
    this.#spare = init.spare
    this.#onUnwanted = init.onUnwanted
    this.holds = holds(components.clock, {
      ...{ idleMs: init.idleMs, onGone: () => this.abandon() },
      keep: () => components.store.lease(blob.digest),
    })
    const wants = wantsHold(this.holds)
    const seedArriving = (partial: PartialBlob, onWanted: OnWanted) =>
      components.seedArriving(blob, partial, wants.heard(onWanted))
    const holdWhole = () => this.holds.take({ whole: true })
    this.#slot = intakeSlot({ ...components, seedArriving, holdWhole }, blob.digest)
    this.done = init.inTurn(() => this.#bring())
    this.done.catch(() => undefined)
  }

  get digest() {
    return this.#blob.digest
  }

  get intake() {
    return this.#slot.intake
  }

  get claims() {
    return this.#claims
  }

  claimFor(asker: string | undefined) {
    if (this.#claim === 'asking' && asker !== undefined && asker < this.#memberId) this.#rival = asker
    return this.#claim
  }

  opened() {
    return this.#slot.opened()
  }

  claim() {
    if (this.#claims) return
    this.#claims = true
    this.#unfollow.abort()
  }

  abandon() {
    const { intake } = this.#slot
    if (intake?.isWhole === true && !intake.partial.isGone) return
    this.#onUnwanted()
    this.stop()
  }

  stop() {
    this.#stop.abort()
  }

  report(): Omit<IngestReport, 'id'> {
    const { intake, received: receivedBytes } = this.#slot
    const when = { startedAtMs: this.#startedAtMs, isBegun: this.#isBegun }
    const facts = { blob: this.#blob, source: this.#source, reads: this.#reads, holds: this.holds }
    return reportOf({ ...facts, ...when, intake, receivedBytes })
  }

  get #source(): IngestSource | undefined {
    if (this.#followed !== undefined) return { from: 'origin', member: this.#followed.id }
    return this.#claim === 'reading' ? { from: 'backend' } : undefined
  }

  async #bring(): Promise<StoredBlob> {
    const { store, refusals, onStored } = this.#components
    this.#isBegun = true
    try {
      const here = await store.stat(this.#blob.digest)
      const stored = here ?? (await this.#run())
      this.#slot.close()
      if (here !== undefined) return here
      refusals.clear(this.#blob)
      onStored(this.#blob, stored)
      return stored
    } catch (err) {
      this.#slot.close(err)
      throw err
    } finally {
      this.holds.stop()
    }
  }

  async #run(): Promise<StoredBlob> {
    await this.#slot.resume()
    for (;;) {
      throwIfAborted(this.#stop.signal)
      const stored = await this.#finish()
      if (stored !== undefined) return stored
      if (this.holds.over) this.abandon()
      throwIfAborted(this.#stop.signal)
      this.#unfollow = abortController()
      this.#followed = this.#owner() ?? (await this.#otherReader())
      if (this.#followed === undefined) await this.#fill()
      else await this.#follow(this.#followed)
    }
  }

  /** The blob when nothing is missing. Bytes with a wrong digest are dropped. @throws BACKEND_CORRUPT */
  async #finish(): Promise<StoredBlob | undefined> {
    const { intake, mixed } = this.#slot
    if (intake === undefined || !intake.isWhole) return undefined
    const stored = await intake.finish()
    if (stored !== undefined) return stored
    const { digest } = this.#blob
    const { length } = intake.partial.map
    if (this.#followed !== undefined) await untilJudged(this.#following(this.#followed, this.#stop.signal), length)
    const corrupt = appError('BACKEND_CORRUPT', { detail: { digest, size: length } })
    await this.#slot.drop(corrupt)
    if (!mixed) {
      this.#components.refusals.add(this.#blob)
      throw corrupt
    }
    this.#components.logger.warn('a blob with bytes from other origins has a wrong digest, so it is brought again', {
      digest,
      member: this.#followed?.id,
    })
    if (this.#followed !== undefined) this.#failures.noteWrong(this.#followed)
    this.#backendOnly = true
    return undefined
  }

  /** The first living owner; undefined when it is this origin, or when this run follows the owners no longer. */
  #owner(): Member | undefined {
    if (this.#claims) return undefined
    const isSelf = ({ id }: Member) => id === this.#memberId
    const owners = this.#components.cluster.liveOwners(this.#blob.digest)
    const first = owners.find((member) => isSelf(member) || !this.#failures.has(member))
    if (first !== undefined && !isSelf(first)) return first
    this.#claims = true
    return undefined
  }

  /** The other origin that reads the backend; when there is none, this run claims the backend. */
  async #otherReader(): Promise<Member | undefined> {
    const { cluster, misses } = this.#components
    const looking = misses.look(this.#blob)
    this.#claim = 'asking'
    this.#rival = undefined
    try {
      const ask = { memberId: this.#memberId, signal: this.#stop.signal }
      const [found, held] = await Promise.all([this.#look(), askBeforeRead(this.#components, this.#blob, ask)])
      const others = held.filter(({ member }) => this.#failures.mayFollow(member))
      const rival = cluster.members.find((member) => member.id === this.#rival && this.#failures.mayFollow(member))
      const reader = readerAmong(others, this.#memberId) ?? rival
      this.#claim = reader === undefined ? 'reading' : 'none'
      if (reader !== undefined) {
        await this.#failures.pause(reader, this.#stop.signal)
        return reader
      }
      const size = sizeFrom(found, others)
      if (size === undefined) {
        looking.missed()
        throw appError('BLOB_UNKNOWN', { detail: { digest: this.#blob.digest } })
      }
      await this.#slot.open(size)
      this.#units = 'object' in found ? found.object : undefined
      this.#held = this.#backendOnly ? [] : others.filter(({ holding }) => holding.size === size)
      return undefined
    } catch (err) {
      if (hasCode(err, 'DIGEST_REFUSED')) await this.#slot.drop(err as Error)
      throw err
    } finally {
      looking.end()
    }
  }

  async #look(): Promise<Found> {
    const { backends } = this.#components
    try {
      const { repository, digest, as } = this.#blob
      const hints = { as, thenRead: true }
      const { signal } = this.#stop
      return { object: await backends.backendFor(repository).stat(blobKey(digest), { ...hints, signal }) }
    } catch (err) {
      return { err }
    }
  }

  #fill(): Promise<void> {
    const filling = { blob: this.#blob, slot: this.#slot, held: this.#held, units: this.#units }
    const how = { spare: this.#spare, holds: this.holds, reads: this.#reads, signal: this.#stop.signal }
    return fillUnits(this.#components, { ...filling, ...how })
  }

  #following(member: Member, signal: AbortSignal): Following {
    const { siblings, fill } = this.#components
    const who = { holds: this.holds, reads: this.#reads }
    return { ...who, siblings, fill, member, blob: this.#blob, slot: this.#slot, signal }
  }

  /** Reads from a member what it has and what it still receives. Notes a failure; the caller chooses what is next. */
  async #follow(member: Member): Promise<void> {
    const { cluster, logger } = this.#components
    const signal = anySignal([this.#stop.signal, this.#unfollow.signal])
    const slot = this.#slot
    const [before, intakeBefore] = [slot.received, slot.intake]
    try {
      await followUnits(this.#following(member, signal))
      cluster.report(member.id, 'ok')
    } catch (err) {
      throwIfAborted(this.#stop.signal)
      if (this.#unfollow.signal.aborted) return
      // It has told another length than an earlier run, whose bytes are gone.
      if (intakeBefore !== undefined && slot.intake === undefined) return
      if (hasCode(err, 'DIGEST_REFUSED')) await slot.drop(err as Error)
      // An unknown or refused blob is so for every source. A full disk here ends the run, one over there does not.
      if (slot.intake?.broken === true || hasCode(err, 'BLOB_UNKNOWN', 'DIGEST_REFUSED')) throw err
      reportFailure(cluster, member, err)
      logger.info('failed to read a blob from another origin', { member: member.id, err })
      if (slot.received === before) this.#failures.note(member, err)
    }
  }
}

export function ingestRun(components: IngestRunComponents, blob: BlobRef, init: IngestRunInit): IngestRun {
  return new BlobIngestRun(components, blob, init)
}
