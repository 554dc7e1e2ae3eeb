import {
  type Alarm,
  type AppError,
  abortController,
  type Clock,
  type TokenBucket,
  toAppError,
  type Wheel,
} from '../../../base/index.ts'
import type { SwarmLimits } from '../../limits.ts'
import { RepeatBudget, rateMeter, UsualTime } from '../../picker/index.ts'
import type { Conducts } from '../shared/conducts.ts'
import type { SwarmMeters } from '../shared/swarm-meters.ts'
import type { Assigned } from './assignment-contract.ts'
import { type AskOutcome, OpenAsk } from './open-ask.ts'
import { type BlockState, isUnasked, type PieceJob } from './piece-job.ts'
import { isDenied, type Supplier, timeoutOf } from './supplier.ts'

export interface BlockRequestsComponents {
  readonly clock: Clock
  readonly wheel: Wheel
  readonly limits: SwarmLimits
  /** The torrent's share of the node's download rate. */
  readonly downloads: TokenBucket
  readonly conducts: Conducts
  readonly meters: Pick<SwarmMeters, 'wasted' | 'repeats'>
}

/** What becomes of a request; each call is one event. */
export interface BlockEvents {
  /** Bytes of a block came from `peer`. */
  onBlock(job: PieceJob, block: BlockState, peer: Supplier): void
  /** `peer` did not give the block: rejected, closed, or too late. */
  onRefused(job: PieceJob, block: BlockState, peer: Supplier): void
  /** A block of the piece that was asked of somebody is asked of nobody any more, and is not here. */
  onUnasked(job: PieceJob): void
  /** One of these calls threw. */
  onBroken(err: unknown): void
}

/** A peer is judged so long after its oldest request has become late, so that the others that are late count with it. */
const GRACE_MS = 100
const COOLDOWN = { baseMs: 100, maxMs: 2_000 }
/** After a timeout, another peer gets the chance to take the piece over. */
const MISS_COOLDOWN = { baseMs: 250, maxMs: 5_000 }

/** What one peer has still to answer, oldest first. */
interface Owed {
  readonly asks: Set<OpenAsk>
  /** Due when the oldest of them counts as lost, or earlier. */
  readonly lost: Alarm
}

/**
 * The open requests of one torrent. A block may be requested from several peers. The piece's memory decides where each
 * request may write, and it is told when the wire has finished a request, even one that was withdrawn long before.
 */
export class BlockRequests {
  readonly #components: BlockRequestsComponents
  readonly #events: BlockEvents
  readonly #owed = new Map<Supplier, Owed>()
  readonly #usual = new UsualTime()
  readonly #arrivals = rateMeter()
  /** Number of requests that are open. */
  #open = 0
  /** What may be asked of a second peer. */
  readonly repeats = new RepeatBudget()

  constructor(components: BlockRequestsComponents, events: BlockEvents) {
    this.#components = components
    this.#events = events
  }

  /**
   * Whether some peer that has not missed lately still has to answer a request, or one waits for the node's own rate: any
   * other source would have to wait for that, too.
   */
  get promising(): boolean {
    for (const [peer, { asks }] of this.#owed) {
      if (peer.misses === 0 && asks.size > 0) return true
      for (const { askedMs } of asks) if (askedMs === undefined) return true
    }
    return false
  }

  /** Some request waits for the node's own rate. */
  get held(): boolean {
    for (const { asks } of this.#owed.values()) for (const { askedMs } of asks) if (askedMs === undefined) return true
    return false
  }

  /** How long a block usually takes from its request on; undefined before the first. */
  get usualMs(): number | undefined {
    return this.#usual.medianMs
  }

  /** What comes in while something is asked for; undefined until there is enough data. */
  get bytesPerSecond(): number | undefined {
    return this.#arrivals.bytesPerSecond
  }

  ask({ job, block, repeat }: Assigned, peer: Supplier): void {
    const { clock, downloads, meters } = this.#components
    if (repeat !== undefined) {
      this.repeats.asked(block.length)
      peer.notes.repeats += 1
      meters.repeats[repeat].add()
    }
    if (this.#open === 0) this.#arrivals.begin(clock.monotonicMs())
    this.#open += 1
    const ask = new OpenAsk(
      { job, block, peer, isRepeat: repeat !== undefined },
      job.memory.land(block.offset, block.length),
      this.#outcome,
    )
    if (peer.openBlocks === 0) peer.rate.begin(clock.monotonicMs())
    peer.openBlocks += 1
    peer.notes.asked += 1
    block.asks.set(peer.id, ask)
    const owed = this.#owed.get(peer) ?? this.#owe(peer)
    owed.asks.add(ask)
    // Without a limit, do not lose even one turn of the event loop.
    if (downloads.available === Number.POSITIVE_INFINITY) this.#send(ask, owed)
    else this.#sendInTurn(ask, owed).catch((err: unknown) => this.#events.onBroken(err))
  }

  #owe(peer: Supplier): Owed {
    const lost = this.#components.wheel.alarm((nowMs) => this.#onLost(peer, nowMs))
    const owed = { asks: new Set<OpenAsk>(), lost }
    this.#owed.set(peer, owed)
    return owed
  }

  #send(ask: OpenAsk, { lost }: Owed): void {
    const { wheel, limits } = this.#components
    const { nowMs } = wheel
    ask.send(nowMs)
    lost.by(nowMs + timeoutOf(ask.peer, limits) + GRACE_MS)
  }

  /** Sends it when it is its turn at the node's own download rate. */
  async #sendInTurn(ask: OpenAsk, owed: Owed): Promise<void> {
    const waiting = abortController()
    ask.unsend = () => waiting.abort()
    try {
      await this.#components.downloads.take(ask.block.length, { signal: waiting.signal })
      if (owed.asks.has(ask)) this.#send(ask, owed)
    } catch (err) {
      ask.onFailed(toAppError(err))
    }
  }

  /** One object for all requests, since closures cost for each of them. */
  readonly #outcome: AskOutcome = {
    onGiven: (ask) => this.#guarded(ask, undefined),
    onFailed: (ask, err) => this.#guarded(ask, err),
    onUnwanted: (ask, bytes) => this.#count(ask, bytes),
    onWithdrawn: (ask) => this.#withdraw(ask),
  }

  /** A request is over: it failed, or the block is here. */
  #guarded(ask: OpenAsk, err: AppError | undefined): void {
    try {
      if (!this.#close(ask)) return
      ask.landing.end(err === undefined)
      if (err === undefined) this.#arrived(ask)
      else this.#refused(ask, err)
    } catch (broken) {
      this.#events.onBroken(broken)
    }
  }

  #count({ waste }: OpenAsk, bytes: number): void {
    this.#components.meters.wasted[waste].add(bytes)
  }

  /** Withdraws every request for the block: it is here, or another peer is about to be asked for it. */
  cancelBlock(block: BlockState): void {
    for (const ask of block.asks.values()) ask.withdraw('repeat')
  }

  /** Withdraws every request of the piece. */
  cancelJob(job: PieceJob): void {
    for (const { asks } of job.blocks) for (const ask of asks.values()) ask.withdraw('dropped')
  }

  /** Forgets the requests of a peer that left. */
  cancelPeer(peer: Supplier): void {
    for (const ask of this.#owed.get(peer)?.asks ?? []) ask.withdraw('dropped')
    this.#owed.delete(peer)
  }

  #onLost(peer: Supplier, nowMs: number): void {
    try {
      this.#expire(peer, nowMs)
      this.#look(peer)
    } catch (err) {
      this.#events.onBroken(err)
    }
  }

  /** Withdraws late requests; a peer misses only once, however many of its blocks are late. */
  #expire(peer: Supplier, nowMs: number): void {
    const timeoutMs = timeoutOf(peer, this.#components.limits)
    const late: OpenAsk[] = []
    for (const ask of this.#owed.get(peer)?.asks ?? []) {
      if (ask.askedMs !== undefined && nowMs - ask.askedMs >= timeoutMs) late.push(ask)
    }
    if (late.length === 0) return
    for (const ask of late) ask.withdraw('late')
    peer.notBeforeMs = nowMs + cooldown(MISS_COOLDOWN, peer.misses)
    peer.misses += 1
    peer.notes.late += 1
    this.#components.conducts.late(peer.id)
    for (const { job, block } of late) this.#events.onRefused(job, block, peer)
  }

  /** The oldest request of a peer has changed, or its rate: so may have the time when it counts as lost. */
  #look(peer: Supplier): void {
    const owed = this.#owed.get(peer)
    for (const { askedMs } of owed?.asks ?? []) {
      if (askedMs === undefined) continue
      owed?.lost.by(askedMs + timeoutOf(peer, this.#components.limits) + GRACE_MS)
      return
    }
  }

  #arrived(ask: OpenAsk): void {
    const { job, block, peer } = ask
    const { clock, wheel, conducts } = this.#components
    const { nowMs } = wheel
    peer.misses = 0
    peer.rejections = 0
    const clockMs = clock.monotonicMs()
    const tookMs = nowMs - (ask.askedMs ?? nowMs)
    peer.rate.add(block.length, clockMs)
    peer.notes.bytes += block.length
    peer.tripMs = Math.min(peer.tripMs ?? tookMs, tookMs)
    this.#usual.add(tookMs)
    this.#arrivals.add(block.length, clockMs)
    this.repeats.received(block.length)
    conducts.gave(peer.id, tookMs)
    block.givenBy = peer.id
    if (block.asks.size > 0) this.cancelBlock(block)
    this.#look(peer)
    this.#events.onBlock(job, block, peer)
  }

  #refused(ask: OpenAsk, err: AppError): void {
    const { peer, job, block } = ask
    const { nowMs } = this.#components.wheel
    this.#spare(ask, err)
    if (err.code === 'PEER_REJECTED') peer.notes.refused += 1
    // Who denies one piece may give another one at once.
    if (err.code !== 'PEER_CLOSED' && !isDenied(peer, job.piece, nowMs)) {
      peer.notBeforeMs = nowMs + cooldown(COOLDOWN, peer.rejections)
      peer.rejections += 1
    }
    if (isUnasked(block)) this.#events.onUnasked(job)
    this.#events.onRefused(job, block, peer)
  }

  #spare(ask: OpenAsk, err?: AppError): void {
    if (ask.isRepeat && ask.isVoid(err)) this.repeats.spared(ask.block.length)
  }

  #withdraw(ask: OpenAsk): void {
    if (!this.#close(ask)) return
    if (ask.waste === 'repeat' && !ask.isRepeat) this.#outrun(ask)
    this.#spare(ask)
    ask.unsend()
    ask.landing.end(false)
    if (isUnasked(ask.block)) this.#events.onUnasked(ask.job)
  }

  /** Another gave the block sooner. Whoever has given nothing yet, for so long that a request may count as late, fails. */
  #outrun({ peer, askedMs }: OpenAsk): void {
    const { limits, wheel, conducts } = this.#components
    peer.notes.outrun += 1
    if (peer.tripMs !== undefined || askedMs === undefined) return
    if (wheel.nowMs - askedMs >= limits.minRequestTimeoutMs) conducts.late(peer.id)
  }

  /** False when the request was closed before; then its outcome no longer matters. */
  #close(ask: OpenAsk): boolean {
    const { peer, block } = ask
    const owed = this.#owed.get(peer)
    if (owed?.asks.delete(ask) !== true) return false
    if (owed.asks.size === 0) owed.lost.cancel()
    block.asks.delete(peer.id)
    peer.openBlocks -= 1
    this.#open -= 1
    return true
  }
}

function cooldown({ baseMs, maxMs }: { readonly baseMs: number; readonly maxMs: number }, times: number): number {
  return Math.min(maxMs, baseMs * 2 ** Math.min(times, 16))
}
