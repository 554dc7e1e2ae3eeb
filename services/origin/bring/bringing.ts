import type { Backends, ObjectStat } from '../../../lib/backend/index.ts'
import { appError, type Clock, hasCode, type Random, throwIfAborted } from '../../../lib/base/index.ts'
import { type Cluster, type Member, reportFailure } from '../../../lib/cluster/index.ts'
import type { BlobReader, StoredBlob } from '../../../lib/store/index.ts'
import type { BlobRef } from '../../../lib/swarm/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import { blobKey } from '../blob-keys.ts'
import { askHoldings, type Held, readerAmong } from '../ring/holdings.ts'
import type { Claim, Siblings } from '../ring/siblings.ts'
import { fillGaps } from './fill-gaps.ts'
import type { Intake } from './intake.ts'
import { type Landing, type LandingStore, landing, type Source } from './landing.ts'
import type { Refusals } from './refusals.ts'

/** Where brought blobs land, and where they are read once they have landed. */
export interface BringingStore extends LandingStore, Pick<BlobReader, 'stat' | 'open'> {}

export interface BringingComponents {
  readonly store: BringingStore
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

export interface BringingInit {
  readonly memberId: string
  /** Another origin waits for this one: see `claim`. */
  readonly claims: boolean
}

/**
 * The way of one blob into this origin. It waits for no client, so what has begun is finished.
 *
 *     follow   the first living owner, if that is another one: reads from it what it reads
 *     ask      else all living origins what they have, and whether one of them reads the store
 *     follow   that one, if there is one
 *     read     else what another origin has from that one, and the rest from the store
 *
 * A source that fails after it gave something is tried again, one that gave nothing is not; the way begins anew with
 * the bytes that are here. Only who reads the store, or is about to with the older right to, is followed after asking,
 * and such a one follows nobody: so no two origins ever wait for each other, whatever they think of their health.
 */
export interface Bringing {
  /** @throws what `Ingest.ensure` says */
  readonly done: Promise<StoredBlob>
  /** What has come, once the length is known. */
  readonly intake: Intake | undefined
  /** Whether the owners are asked no more. */
  readonly claims: boolean
  /** Whether the store is read here. An asker whose id comes first takes over the mere intention to. */
  claimFor(asker: string | undefined): Claim
  /** Where the bytes can be read while they come; undefined when they were here before. @throws as `done` */
  arriving(): Promise<Intake | undefined>
  /** Another origin waits for this one: an owner is followed no longer, unless it is the one that reads the store. */
  claim(): void
  /** Ends it with ABORTED. What came stays. */
  stop(): void
}

type Found = { readonly object: ObjectStat | undefined } | { readonly err: unknown }

class BlobBringing implements Bringing {
  readonly done: Promise<StoredBlob>
  readonly #components: BringingComponents
  readonly #blob: BlobRef
  readonly #memberId: string
  readonly #landing: Landing
  readonly #stop = new AbortController()
  /** Ends the read from the owner that is followed. */
  #unfollow = new AbortController()
  #claims: boolean
  #claim: Claim = 'none'
  /** Who has asked, with the older right to the store, while this one was asking. */
  #rival: string | undefined
  #followed: Member | undefined
  #held: readonly Held[] = []
  readonly #givenUp = new Set<string>()
  /** Others have spoilt it once. */
  #storeOnly = false

  constructor(components: BringingComponents, blob: BlobRef, init: BringingInit) {
    this.#components = components
    this.#blob = blob
    this.#memberId = init.memberId
    this.#claims = init.claims
    this.#landing = landing(components, blob.digest)
    this.done = this.#bring()
    this.done.catch(() => undefined)
  }

  get intake() {
    return this.#landing.intake
  }

  get claims() {
    return this.#claims
  }

  claimFor(asker: string | undefined) {
    if (this.#claim === 'asking' && asker !== undefined && asker < this.#memberId) this.#rival = asker
    return this.#claim
  }

  arriving() {
    return this.#landing.arriving()
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
      this.#landing.close()
      if (here !== undefined) return here
      refusals.clear(this.#blob.digest)
      onStored(this.#blob, stored)
      return stored
    } catch (err) {
      this.#landing.close(err)
      throw err
    }
  }

  async #run(): Promise<StoredBlob> {
    await this.#landing.resume()
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
    const { intake, mixed } = this.#landing
    if (intake === undefined || (await intake.gap()) !== undefined) return undefined
    const stored = await intake.finish()
    if (stored !== undefined) return stored
    const { digest } = this.#blob
    const corrupt = appError('BACKEND_CORRUPT', { detail: { digest, size: intake.partial.map.length } })
    await this.#landing.drop(corrupt)
    if (!mixed) {
      this.#components.refusals.add(digest)
      throw corrupt
    }
    this.#components.logger.warn('a blob is wrong that did not all come from the store, so it is brought again', {
      digest,
      member: this.#followed?.id,
    })
    if (this.#followed !== undefined) this.#givenUp.add(this.#followed.id)
    this.#storeOnly = true
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

  /** Who else reads the store; when nobody does, this one claims to. */
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
      await this.#landing.open(size)
      this.#held = this.#storeOnly ? [] : others.filter(({ holding }) => holding.size === size)
      return undefined
    } catch (err) {
      if (hasCode(err, 'DIGEST_REFUSED')) await this.#landing.drop(err as Error)
      throw err
    }
  }

  async #look(): Promise<Found> {
    const { backends } = this.#components
    try {
      const backend = backends.backendFor(this.#blob.namespace)
      return { object: await backend.stat(blobKey(this.#blob.digest), { signal: this.#stop.signal }) }
    } catch (err) {
      return { err }
    }
  }

  #fill(): Promise<void> {
    const want = { blob: this.#blob, landing: this.#landing, held: this.#held, signal: this.#stop.signal }
    return fillGaps(this.#components, want)
  }

  /** Reads from a member what it has and what it gets. A failure is remembered; the caller chooses again. */
  async #follow(member: Member): Promise<void> {
    const { cluster, logger } = this.#components
    const signal = AbortSignal.any([this.#stop.signal, this.#unfollow.signal])
    const before = this.#landing.received
    try {
      do await this.#followGap(member, signal)
      while ((await this.#landing.intake?.gap()) !== undefined)
      cluster.report(member.id, 'ok')
    } catch (err) {
      throwIfAborted(this.#stop.signal)
      if (this.#unfollow.signal.aborted) return
      if (hasCode(err, 'DIGEST_REFUSED')) await this.#landing.drop(err as Error)
      // That it does not know the blob, or refuses it, holds for everybody; a full disk only where it is.
      if (this.#landing.intake?.broken === true || hasCode(err, 'BLOB_UNKNOWN', 'DIGEST_REFUSED')) throw err
      reportFailure(cluster, member, err)
      logger.info('failed to read a blob from another origin', { member: member.id, err })
      if (this.#landing.received === before) this.#givenUp.add(member.id)
    }
  }

  async #followGap(member: Member, signal: AbortSignal): Promise<void> {
    const known = this.#landing.intake
    const gap = await known?.gap()
    const { size, body } = await this.#components.siblings.read(member, this.#blob, { range: gap, signal })
    if (known !== undefined && known.partial.map.length !== size) {
      body.destroy()
      await this.#landing.drop(appError('PEER_CLOSED', { message: 'the blob has another length' }))
      return
    }
    await this.#landing.open(size)
    await this.#landing.take('origin', body, gap?.end ?? size)
  }
}

/** Who has the whole blob knows its size also when the store does not answer, or does not have it yet. */
function sizeFrom(found: Found, held: readonly Held[]): number | undefined {
  const whole = held.find(({ holding }) => holding.verified)
  if (whole?.holding.size !== undefined) return whole.holding.size
  if ('err' in found) throw found.err
  return found.object?.size
}

function unknown(blob: BlobRef): never {
  throw appError('BLOB_UNKNOWN', { detail: { digest: blob.digest } })
}

export function bringing(components: BringingComponents, blob: BlobRef, init: BringingInit): Bringing {
  return new BlobBringing(components, blob, init)
}
