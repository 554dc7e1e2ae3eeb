import type { Backends, ObjectStat } from '../../../lib/backend/index.ts'
import { appError, type Clock, hasCode, type Random, throwIfAborted } from '../../../lib/base/index.ts'
import { type Cluster, type Member, reportFailure } from '../../../lib/cluster/index.ts'
import type { BlobRef } from '../../../lib/core/index.ts'
import type { BlobReader, StoredBlob } from '../../../lib/store/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import { blobKey } from '../blob-keys.ts'
import { askHoldings, type Held, readerAmong } from '../ring/holdings.ts'
import type { Claim, Siblings } from '../ring/siblings.ts'
import { fillGaps } from './fill-gaps.ts'
import type { Intake } from './intake.ts'
import { type IntakeSlot, type IntakeSlotStore, intakeSlot, type Source } from './intake-slot.ts'
import type { Refusals } from './refusals.ts'

/** Where brought blobs go in, and where they are read once they are whole. */
export interface IngestRunStore extends IntakeSlotStore, Pick<BlobReader, 'stat' | 'open'> {}

export interface IngestRunComponents {
  readonly store: IngestRunStore
  readonly backends: Pick<Backends, 'backendFor'>
  readonly cluster: Cluster
  readonly siblings: Siblings
  readonly refusals: Refusals
  readonly logger: Logger
  readonly clock: Clock
  readonly random: Random
  /** Payload bytes that came in, by where from. */
  readonly onReceived: (from: Source, bytes: number) => void
  /** A blob has become complete here. */
  readonly onStored: (blob: BlobRef, stored: StoredBlob) => void
}

export interface IngestRunInit {
  readonly memberId: string
  /** Another origin waits for this one: see `claim`. */
  readonly claims: boolean
}

/**
 * The way of one blob into this origin: from whom, and in which order. It waits for no client, so what has begun is
 * finished. It is not `Ingest`, which begins one such run for each blob, nor an `Intake`, which takes the bytes.
 *
 *     follow   the first living owner, if that is another one: reads from it what it reads
 *     ask      else all living origins what they have, and whether one of them reads the backend
 *     follow   that one, if there is one
 *     read     else what another origin has from that one, and the rest from the backend
 *
 * A source that fails after it gave something is tried again, one that gave nothing is not; the way begins anew with
 * the bytes that are here. Only who reads the backend, or is about to with the older right to, is followed after
 * asking, and such a one follows nobody: so no two origins ever wait for each other, whatever they think of their
 * health.
 */
export interface IngestRun {
  /** @throws what `Ingest.ensure` says */
  readonly done: Promise<StoredBlob>
  /** What has come, once the length is known. */
  readonly intake: Intake | undefined
  /** Whether the owners are asked no more. */
  readonly claims: boolean
  /** Whether the backend is read here. An asker whose id comes first takes over the mere intention to. */
  claimFor(asker: string | undefined): Claim
  /** Where the bytes can be read while they come; undefined when they were here before. @throws as `done` */
  opened(): Promise<Intake | undefined>
  /** Another origin waits for this one: an owner is followed no longer, unless it is the one that reads the backend. */
  claim(): void
  /** Ends it with ABORTED. What came stays. */
  stop(): void
}

type Found = { readonly object: ObjectStat | undefined } | { readonly err: unknown }

class BlobIngestRun implements IngestRun {
  readonly done: Promise<StoredBlob>
  readonly #components: IngestRunComponents
  readonly #blob: BlobRef
  readonly #memberId: string
  readonly #slot: IntakeSlot
  readonly #stop = new AbortController()
  /** Ends the read from the owner that is followed. */
  #unfollow = new AbortController()
  #claims: boolean
  #claim: Claim = 'none'
  /** Who has asked, with the older right to the backend, while this one was asking. */
  #rival: string | undefined
  #followed: Member | undefined
  #held: readonly Held[] = []
  readonly #givenUp = new Set<string>()
  /** Others have spoilt it once. */
  #backendOnly = false

  constructor(components: IngestRunComponents, blob: BlobRef, init: IngestRunInit) {
    this.#components = components
    this.#blob = blob
    this.#memberId = init.memberId
    this.#claims = init.claims
    this.#slot = intakeSlot(components, blob.digest)
    this.done = this.#bring()
    this.done.catch(() => undefined)
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

  stop() {
    this.#stop.abort()
  }

  async #bring(): Promise<StoredBlob> {
    const { store, refusals, onStored } = this.#components
    try {
      const here = await store.stat(this.#blob.digest)
      const stored = here ?? (await this.#run())
      this.#slot.close()
      if (here !== undefined) return here
      refusals.clear(this.#blob.digest)
      onStored(this.#blob, stored)
      return stored
    } catch (err) {
      this.#slot.close(err)
      throw err
    }
  }

  async #run(): Promise<StoredBlob> {
    await this.#slot.resume()
    for (;;) {
      throwIfAborted(this.#stop.signal)
      const stored = await this.#finish()
      if (stored !== undefined) return stored
      this.#unfollow = new AbortController()
      this.#followed = this.#owner() ?? (await this.#otherReader())
      if (this.#followed === undefined) await this.#fill()
      else await this.#follow(this.#followed)
    }
  }

  /** The blob when nothing is missing. When it is wrong, nothing of it stays. @throws BACKEND_CORRUPT */
  async #finish(): Promise<StoredBlob | undefined> {
    const { intake, mixed } = this.#slot
    if (intake === undefined || (await intake.gap()) !== undefined) return undefined
    const stored = await intake.finish()
    if (stored !== undefined) return stored
    const { digest } = this.#blob
    const corrupt = appError('BACKEND_CORRUPT', { detail: { digest, size: intake.partial.map.length } })
    await this.#slot.drop(corrupt)
    if (!mixed) {
      this.#components.refusals.add(digest)
      throw corrupt
    }
    this.#components.logger.warn('a blob is wrong that did not all come from the backend, so it is brought again', {
      digest,
      member: this.#followed?.id,
    })
    if (this.#followed !== undefined) this.#givenUp.add(this.#followed.id)
    this.#backendOnly = true
    return undefined
  }

  /** The first living owner; undefined when that is this one, or a claim is made. */
  #owner(): Member | undefined {
    if (this.#claims) return undefined
    const isSelf = ({ id }: Member) => id === this.#memberId
    const owners = this.#components.cluster.liveOwners(this.#blob.digest)
    const first = owners.find((member) => isSelf(member) || !this.#givenUp.has(member.id))
    if (first !== undefined && !isSelf(first)) return first
    this.#claims = true
    return undefined
  }

  /** Who else reads the backend; when nobody does, this one claims to. */
  async #otherReader(): Promise<Member | undefined> {
    const { cluster } = this.#components
    this.#claim = 'asking'
    this.#rival = undefined
    try {
      const ask = { memberId: this.#memberId, claims: true, signal: this.#stop.signal }
      const [found, held] = await Promise.all([this.#look(), askHoldings(this.#components, this.#blob, ask)])
      const others = held.filter(({ member }) => !this.#givenUp.has(member.id))
      const rival = cluster.members.find(({ id }) => id === this.#rival && !this.#givenUp.has(id))
      const reader = readerAmong(others, this.#memberId) ?? rival
      this.#claim = reader === undefined ? 'reading' : 'none'
      if (reader !== undefined) return reader
      const size = sizeFrom(found, others) ?? unknown(this.#blob)
      await this.#slot.open(size)
      this.#held = this.#backendOnly ? [] : others.filter(({ holding }) => holding.size === size)
      return undefined
    } catch (err) {
      if (hasCode(err, 'DIGEST_REFUSED')) await this.#slot.drop(err as Error)
      throw err
    }
  }

  async #look(): Promise<Found> {
    const { backends } = this.#components
    try {
      const backend = backends.backendFor(this.#blob.repository)
      return { object: await backend.stat(blobKey(this.#blob.digest), { signal: this.#stop.signal }) }
    } catch (err) {
      return { err }
    }
  }

  #fill(): Promise<void> {
    const want = { blob: this.#blob, slot: this.#slot, held: this.#held, signal: this.#stop.signal }
    return fillGaps(this.#components, want)
  }

  /** Reads from a member what it has and what it gets. A failure is remembered; the caller chooses again. */
  async #follow(member: Member): Promise<void> {
    const { cluster, logger } = this.#components
    const signal = AbortSignal.any([this.#stop.signal, this.#unfollow.signal])
    const before = this.#slot.received
    try {
      do await this.#followGap(member, signal)
      while ((await this.#slot.intake?.gap()) !== undefined)
      cluster.report(member.id, 'ok')
    } catch (err) {
      throwIfAborted(this.#stop.signal)
      if (this.#unfollow.signal.aborted) return
      if (hasCode(err, 'DIGEST_REFUSED')) await this.#slot.drop(err as Error)
      // That it does not know the blob, or refuses it, holds for everybody; a full disk only where it is.
      if (this.#slot.intake?.broken === true || hasCode(err, 'BLOB_UNKNOWN', 'DIGEST_REFUSED')) throw err
      reportFailure(cluster, member, err)
      logger.info('failed to read a blob from another origin', { member: member.id, err })
      if (this.#slot.received === before) this.#givenUp.add(member.id)
    }
  }

  async #followGap(member: Member, signal: AbortSignal): Promise<void> {
    const known = this.#slot.intake
    const gap = await known?.gap()
    const { size, body } = await this.#components.siblings.read(member, this.#blob, { range: gap, signal })
    if (known !== undefined && known.partial.map.length !== size) {
      body.destroy()
      await this.#slot.drop(appError('PEER_CLOSED', { message: 'the blob has another length' }))
      return
    }
    await this.#slot.open(size)
    await this.#slot.take('origin', body, gap?.end ?? size)
  }
}

/** Who has the whole blob knows its size also when the backend does not answer, or does not have it yet. */
function sizeFrom(found: Found, held: readonly Held[]): number | undefined {
  const whole = held.find(({ holding }) => holding.verified)
  if (whole?.holding.size !== undefined) return whole.holding.size
  if ('err' in found) throw found.err
  return found.object?.size
}

function unknown(blob: BlobRef): never {
  throw appError('BLOB_UNKNOWN', { detail: { digest: blob.digest } })
}

export function ingestRun(components: IngestRunComponents, blob: BlobRef, init: IngestRunInit): IngestRun {
  return new BlobIngestRun(components, blob, init)
}
