import { type AppError, type Clock, type TokenBucket, toAppError } from '../../../base/index.ts'
import type { SwarmLimits } from '../../limits.ts'
import type { RequestEvents } from '../../peer/index.ts'
import { RepeatBudget, rateMeter, UsualTime } from '../../picker/index.ts'
import type { Conducts } from '../shared/conducts.ts'
import type { Landing } from '../shared/piece-memory.ts'
import type { SwarmMeters, WasteReason } from '../shared/swarm-meters.ts'
import type { Assigned } from './assignment-contract.ts'
import { guarded } from './guarded.ts'
import type { Ask, BlockState, PieceJob } from './piece-job.ts'
import { requestBlock } from './request-block.ts'
import { isDenied, type Supplier, timeoutOf } from './supplier.ts'

export interface BlockRequestsComponents {
  readonly clock: Clock
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
  /** One of these calls threw. */
  onBroken(err: unknown): void
}

const COOLDOWN = { baseMs: 100, maxMs: 2_000 }
/** After a timeout, another peer gets the chance to take the piece over. */
const MISS_COOLDOWN = { baseMs: 250, maxMs: 5_000 }

interface Outcome {
  onGiven(ask: OpenAsk): void
  onFailed(ask: OpenAsk, err: AppError): void
  onUnwanted(ask: OpenAsk, bytes: number): void
}

interface Asked {
  readonly job: PieceJob
  readonly block: BlockState
  readonly peer: Supplier
}

/** One object for each request and nothing else: there are thousands a second. */
class OpenAsk implements Ask, RequestEvents {
  readonly job: PieceJob
  readonly block: BlockState
  readonly peer: Supplier
  readonly landing: Landing
  askedMs: number | undefined
  /** What its bytes count as if they come when nobody waits for them any more. */
  waste: WasteReason = 'dropped'
  withdraw: () => void = () => undefined
  readonly #outcome: Outcome

  constructor({ job, block, peer }: Asked, landing: Landing, outcome: Outcome) {
    this.job = job
    this.block = block
    this.peer = peer
    this.landing = landing
    this.#outcome = outcome
  }

  send(nowMs: number): void {
    const { job, block, peer, landing } = this
    this.askedMs = nowMs
    const wanted = { piece: job.piece, offset: block.offset, length: block.length }
    this.withdraw = requestBlock(peer.connection, wanted, landing.into, this)
  }

  onBlock(): void {
    this.#outcome.onGiven(this)
  }

  onFailed(err: AppError): void {
    this.#outcome.onFailed(this, err)
  }

  onUnwanted(bytes: number): void {
    this.#outcome.onUnwanted(this, bytes)
  }
}

/**
 * The open requests of one torrent. A block may be requested from several peers. The piece's memory decides where each
 * request may write, and it is told when the wire has finished a request, even one that was withdrawn long before.
 */
export class BlockRequests {
  readonly #components: BlockRequestsComponents
  readonly #events: BlockEvents
  readonly #open = new Set<OpenAsk>()
  readonly #usual = new UsualTime()
  readonly #arrivals = rateMeter()
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
    for (const { peer, askedMs } of this.#open) if (peer.misses === 0 || askedMs === undefined) return true
    return false
  }

  /** Some request waits for the node's own rate. */
  get held(): boolean {
    for (const { askedMs } of this.#open) if (askedMs === undefined) return true
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
      meters.repeats[repeat].add()
    }
    if (this.#open.size === 0) this.#arrivals.begin(clock.monotonicMs())
    const ask = new OpenAsk({ job, block, peer }, job.memory.land(block.offset, block.length), this.#outcome)
    if (peer.openBlocks === 0) peer.rate.begin(clock.monotonicMs())
    peer.openBlocks += 1
    block.asks.set(peer.id, ask)
    this.#open.add(ask)
    // Without a limit, do not lose even one turn of the event loop.
    if (downloads.available === Number.POSITIVE_INFINITY) ask.send(clock.monotonicMs())
    else this.#sendInTurn(ask).catch((err: unknown) => this.#events.onBroken(err))
  }

  /** Sends it when it is its turn at the node's own download rate. */
  async #sendInTurn(ask: OpenAsk): Promise<void> {
    const { clock, downloads } = this.#components
    const waiting = new AbortController()
    ask.withdraw = () => waiting.abort()
    try {
      await downloads.take(ask.block.length, { signal: waiting.signal })
      if (this.#open.has(ask)) ask.send(clock.monotonicMs())
    } catch (err) {
      ask.onFailed(toAppError(err))
    }
  }

  readonly #outcome: Outcome = {
    onGiven: (ask) => this.#guarded(() => this.#onGiven(ask)),
    onFailed: (ask, err) => this.#guarded(() => this.#onFailed(ask, err)),
    onUnwanted: (ask, bytes) => this.#count(ask, bytes),
  }

  #guarded(event: () => void): void {
    guarded(event, (err) => this.#events.onBroken(err))
  }

  #onGiven(ask: OpenAsk): void {
    if (!this.#close(ask)) return
    ask.landing.end(true)
    this.#arrived(ask)
  }

  #onFailed(ask: OpenAsk, err: AppError): void {
    if (!this.#close(ask)) return
    ask.landing.end(false)
    this.#refused(ask, err)
  }

  #count({ waste }: OpenAsk, bytes: number): void {
    this.#components.meters.wasted[waste].add(bytes)
  }

  /** Withdraws every request for the block: it is here, or another peer is about to be asked for it. */
  cancelBlock(block: BlockState): void {
    for (const ask of this.#open) if (ask.block === block) this.#withdraw(ask, 'repeat')
  }

  /** Withdraws every request of the piece. */
  cancelJob(job: PieceJob): void {
    for (const ask of this.#open) if (ask.job === job) this.#withdraw(ask, 'dropped')
  }

  /** Forgets the requests of a peer that left. */
  cancelPeer(peer: Supplier): void {
    for (const ask of this.#open) if (ask.peer === peer) this.#withdraw(ask, 'dropped')
  }

  /** For so long the node itself did nothing: no answer could be seen. */
  forgive(lateMs: number, nowMs: number): void {
    if (lateMs === 0) return
    for (const ask of this.#open) {
      if (ask.askedMs !== undefined) ask.askedMs = Math.min(nowMs, ask.askedMs + lateMs)
    }
  }

  /** Withdraws late requests; a peer misses only once, however many of its blocks are late. */
  expire(nowMs: number): void {
    const late = [...this.#open].filter(
      ({ askedMs, peer }) => askedMs !== undefined && nowMs - askedMs > timeoutOf(peer, this.#components.limits),
    )
    const peers = new Set(late.map((ask) => ask.peer))
    for (const ask of late) this.#withdraw(ask, 'late')
    for (const peer of peers) {
      peer.notBeforeMs = nowMs + cooldown(MISS_COOLDOWN, peer.misses)
      peer.misses += 1
      this.#components.conducts.late(peer.id)
    }
    for (const { job, block, peer } of late) this.#events.onRefused(job, block, peer)
  }

  #arrived(ask: OpenAsk): void {
    const { job, block, peer } = ask
    const nowMs = this.#components.clock.monotonicMs()
    peer.misses = 0
    peer.rejections = 0
    const tookMs = nowMs - (ask.askedMs ?? nowMs)
    peer.rate.add(block.length, nowMs)
    peer.tripMs = Math.min(peer.tripMs ?? tookMs, tookMs)
    this.#usual.add(tookMs)
    this.#arrivals.add(block.length, nowMs)
    this.repeats.received(block.length)
    this.#components.conducts.gave(peer.id, tookMs)
    this.cancelBlock(block)
    block.givenBy = peer.id
    this.#events.onBlock(job, block, peer)
  }

  #refused(ask: OpenAsk, err: AppError): void {
    const { peer, job } = ask
    const nowMs = this.#components.clock.monotonicMs()
    // Who denies one piece may give another one at once.
    if (err.code !== 'PEER_CLOSED' && !isDenied(peer, job.piece, nowMs)) {
      peer.notBeforeMs = nowMs + cooldown(COOLDOWN, peer.rejections)
      peer.rejections += 1
    }
    this.#events.onRefused(ask.job, ask.block, peer)
  }

  #withdraw(ask: OpenAsk, waste: WasteReason): void {
    ask.waste = waste
    if (!this.#close(ask)) return
    ask.withdraw()
    ask.landing.end(false)
  }

  /** False when the request was closed before; then its outcome no longer matters. */
  #close(ask: OpenAsk): boolean {
    if (!this.#open.delete(ask)) return false
    ask.block.asks.delete(ask.peer.id)
    ask.peer.openBlocks -= 1
    return true
  }
}

function cooldown({ baseMs, maxMs }: { readonly baseMs: number; readonly maxMs: number }, times: number): number {
  return Math.min(maxMs, baseMs * 2 ** Math.min(times, 16))
}
