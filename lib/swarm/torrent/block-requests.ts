import { type Clock, codeOf, type TokenBucket } from '../../base/index.ts'
import type { SwarmLimits } from '../limits.ts'
import type { Conducts } from './conducts.ts'
import type { Ask, BlockState, PieceJob } from './piece-job.ts'
import { isDenied, requestBlock, type Supplier, timeoutOf } from './supplier.ts'
import type { SwarmMeters, WasteReason } from './swarm-meters.ts'

export interface BlockRequestsComponents {
  readonly clock: Clock
  readonly limits: SwarmLimits
  /** The torrent's share of the node's download rate. */
  readonly downloads: TokenBucket
  readonly conducts: Conducts
  readonly meters: Pick<SwarmMeters, 'wasted'>
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

interface OpenAsk extends Ask {
  /** What its bytes count as if they come when nobody waits for them any more. */
  waste: WasteReason
  readonly job: PieceJob
  readonly block: BlockState
  readonly peer: Supplier
}

const COOLDOWN = { baseMs: 100, maxMs: 2_000 }
/** After a timeout, another peer gets the chance to take the piece over. */
const MISS_COOLDOWN = { baseMs: 250, maxMs: 5_000 }

/**
 * The open requests of one torrent. A block may be requested from several peers. The piece's memory decides where each
 * request may write, and it is told when the wire has finished a request, even one that was withdrawn long before.
 */
export class BlockRequests {
  readonly #components: BlockRequestsComponents
  readonly #events: BlockEvents
  readonly #open = new Set<OpenAsk>()

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

  ask(job: PieceJob, block: BlockState, peer: Supplier): void {
    const nowMs = this.#components.clock.monotonicMs()
    const landing = job.memory.land(block.offset, block.length)
    const controller = new AbortController()
    const ask: OpenAsk = { job, block, peer, askedMs: undefined, controller, landing, waste: 'dropped' }
    if (peer.openBlocks === 0) peer.rate.begin(nowMs)
    peer.openBlocks += 1
    block.asks.set(peer.id, ask)
    this.#open.add(ask)
    this.#send(ask).then(
      () => this.#guarded(() => this.#onGiven(ask)),
      (err: unknown) => this.#guarded(() => this.#onFailed(ask, err)),
    )
  }

  /** What follows from an answer runs in nobody's call, so nobody else would see that it threw. */
  #guarded(event: () => void): void {
    try {
      event()
    } catch (err) {
      this.#events.onBroken(err)
    }
  }

  #onGiven(ask: OpenAsk): void {
    const isFirst = this.#close(ask)
    ask.landing.end(isFirst)
    if (isFirst) this.#arrived(ask)
    else this.#count(ask, ask.block.length)
  }

  #onFailed(ask: OpenAsk, err: unknown): void {
    ask.landing.end(false)
    if (this.#close(ask)) this.#refused(ask, err)
  }

  async #send(ask: OpenAsk): Promise<void> {
    const { clock, downloads } = this.#components
    const { job, block, peer, landing, controller } = ask
    // Without a limit, do not lose even one turn of the event loop.
    if (downloads.available < Number.POSITIVE_INFINITY)
      await downloads.take(block.length, { signal: controller.signal })
    ask.askedMs = clock.monotonicMs()
    const wanted = { piece: job.piece, offset: block.offset, length: block.length }
    const onUnwanted = (bytes: number) => this.#count(ask, bytes)
    await requestBlock(peer, { ...wanted, onUnwanted }, landing.into, controller)
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
    peer.rate.add(block.length, nowMs)
    this.#components.conducts.gave(peer.id, nowMs - (ask.askedMs ?? nowMs))
    this.cancelBlock(block)
    block.givenBy = peer.id
    this.#events.onBlock(job, block, peer)
  }

  #refused(ask: OpenAsk, err: unknown): void {
    const { peer, job } = ask
    const nowMs = this.#components.clock.monotonicMs()
    // Who denies one piece may give another one at once.
    if (codeOf(err) !== 'PEER_CLOSED' && !isDenied(peer.denied, job.piece, nowMs)) {
      peer.notBeforeMs = nowMs + cooldown(COOLDOWN, peer.rejections)
      peer.rejections += 1
    }
    this.#events.onRefused(ask.job, ask.block, peer)
  }

  #withdraw(ask: OpenAsk, waste: WasteReason): void {
    ask.waste = waste
    if (this.#close(ask)) ask.controller.abort()
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
