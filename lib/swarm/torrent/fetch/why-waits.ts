import type { Wheel } from '../../../base/index.ts'
import type { WaitCause } from '../../../core/index.ts'
import type { SwarmLimits } from '../../limits.ts'
import type { WaitedFor, WaitSpot } from '../shared/pull-trace.ts'
import { HTTP, type PieceJob } from './piece-job.ts'
import type { PieceJobs } from './piece-jobs.ts'
import { freeBlocks, isDenied, type Supplier } from './supplier.ts'
import type { Suppliers } from './suppliers.ts'

export interface WhyWaitsComponents {
  readonly wheel: Pick<Wheel, 'nowMs'>
  readonly limits: SwarmLimits
}

export interface WhyWaitsInit {
  readonly jobs: Pick<PieceJobs, 'get' | 'has' | 'isStoring' | 'room' | 'awaitsRoom'>
  readonly suppliers: Suppliers
  /** How long a block usually takes. */
  readonly usualMs: () => number | undefined
  /** The piece waits for the node's own download rate. */
  readonly isHeld: (piece: number) => boolean
}

/** A peer is slow below this share of the median rate, or when a block takes so many times the usual time. */
const SLOW = { share: 0.25, times: 4, leastMs: 250 }

/** Of several peers that have the piece, the one that would give it first. */
const NEARNESS = ['queued', 'timedOut', 'busy', 'refused', 'wrongBytes'] as const

/** Says of a missing piece what it waits for. Looks at the piece's blocks, or at the peers; changes nothing. */
export class WhyWaits {
  readonly #components: WhyWaitsComponents
  readonly #init: WhyWaitsInit
  readonly #wrong = new Set<number>()
  readonly #spot: WaitSpot = { cause: 'noPeers', from: undefined, holders: 0 }

  constructor(components: WhyWaitsComponents, init: WhyWaitsInit) {
    this.#components = components
    this.#init = init
  }

  /** The bytes of the piece did not match its hash; or they did. */
  judged(piece: number, good: boolean): void {
    if (good) this.#wrong.delete(piece)
    else this.#wrong.add(piece)
  }

  /** Why the piece is not here; the answer is good until the next call. */
  of(piece: number): WaitSpot {
    const { jobs, isHeld } = this.#init
    const job = jobs.get(piece)
    const spot = job === undefined ? undefined : this.#underWay(job)
    if (spot !== undefined) return spot
    if (job === undefined && jobs.has(piece)) return this.#say(jobs.isStoring(piece) ? 'disk' : 'hash')
    return isHeld(piece) ? this.#say('ownLimit') : this.#unasked(piece)
  }

  /** Undefined when none of its missing blocks is asked of anybody, and nobody is about to be asked. */
  #underWay(job: PieceJob): WaitSpot | undefined {
    if (job.owner === HTTP) return this.#say(job.held ? 'ownLimit' : 'http')
    for (const { givenBy, asks } of job.blocks) {
      if (givenBy !== undefined) continue
      for (const [id, { askedMs }] of asks) {
        if (askedMs === undefined) return this.#say('ownLimit')
        const peer = this.#init.suppliers.get(id)
        if (peer !== undefined) return this.#coming(job.piece, peer, askedMs)
      }
    }
    const owner = job.owner === undefined ? undefined : this.#init.suppliers.get(job.owner)
    return owner && this.#say('queued', owner.notes, 1)
  }

  #coming(piece: number, peer: Supplier, askedMs: number): WaitSpot {
    if (this.#wrong.has(piece)) return this.#say('wrongBytes', peer.notes)
    return this.#say(this.#isSlow(peer, askedMs) ? 'slowPeer' : 'arriving', peer.notes)
  }

  #isSlow(peer: Supplier, askedMs: number): boolean {
    const { nowMs } = this.#components.wheel
    const usualRate = this.#init.suppliers.usualRate(nowMs, peer)
    if (usualRate === undefined) return false
    const { bytesPerSecond } = peer.rate
    if (bytesPerSecond !== undefined && bytesPerSecond < usualRate * SLOW.share) return true
    const usualMs = this.#init.usualMs() ?? Number.POSITIVE_INFINITY
    return nowMs - askedMs > Math.max(SLOW.leastMs, usualMs * SLOW.times)
  }

  #unasked(piece: number): WaitSpot {
    const { suppliers, jobs } = this.#init
    let nearest: Supplier | undefined
    let nearness: number = NEARNESS.length
    let holders = 0
    let anyPeer = false
    for (const peer of suppliers) {
      anyPeer = true
      if (!peer.connection.remoteHave.has(piece)) continue
      holders += 1
      const rank = NEARNESS.indexOf(this.#holdback(peer, piece))
      if (rank >= nearness) continue
      nearest = peer
      nearness = rank
    }
    if (nearest === undefined) return this.#say(anyPeer ? 'unheld' : 'noPeers')
    const cause = NEARNESS[nearness] ?? 'queued'
    if (this.#wrong.has(piece)) return this.#say('wrongBytes', undefined, holders)
    if (cause === 'queued' && (jobs.awaitsRoom || !jobs.room)) return this.#say('memory', undefined, holders)
    return this.#say(cause, nearest.notes, holders)
  }

  /** Why a peer that has the piece is not asked for it. */
  #holdback(peer: Supplier, piece: number): (typeof NEARNESS)[number] {
    const { wheel, limits } = this.#components
    const { nowMs } = wheel
    if (peer.suspected) return 'wrongBytes'
    if (isDenied(peer, piece, nowMs)) return 'refused'
    if (peer.connection.choked) return 'busy'
    if (nowMs < peer.notBeforeMs) return peer.misses > 0 ? 'timedOut' : 'busy'
    // A late peer gets one block at a time: what waits for that, waits because it was late.
    return peer.misses > 0 && freeBlocks(peer, nowMs, limits) <= 0 ? 'timedOut' : 'queued'
  }

  #say(cause: WaitCause, from?: WaitedFor, holders = 0): WaitSpot {
    this.#spot.cause = cause
    this.#spot.from = from
    this.#spot.holders = holders
    return this.#spot
  }
}
