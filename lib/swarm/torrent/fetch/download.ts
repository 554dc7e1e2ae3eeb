import { oncePerTurn } from '../../../base/index.ts'
import type { Denial, PeerConnection } from '../../peer/index.ts'
import { isOfUse, type PickView, type ReaderWindow } from '../../picker/index.ts'
import { patienceOf } from '../shared/demand.ts'
import type { DownloadPace } from '../shared/download-pace.ts'
import type { PieceSourceKind } from '../shared/pull-summary.ts'
import { nextBlock } from './assignment.ts'
import type { AssignmentView } from './assignment-contract.ts'
import { BlockRequests } from './block-requests.ts'
import { type DownloadComponents, type DownloadTarget, HTTP } from './download-contract.ts'
import { guarded } from './guarded.ts'
import { Liars } from './liars.ts'
import { PieceCheck } from './piece-check.ts'
import { isFilled, isHeld, isUnasked, type PieceJob } from './piece-job.ts'
import { PieceJobs } from './piece-jobs.ts'
import { PieceRuns } from './piece-runs.ts'
import { freeBlocks, type Supplier } from './supplier.ts'
import { Suppliers } from './suppliers.ts'

/** When agents would need longer than this for what is left, idle origins help. */
const PATIENCE_SECONDS = 2

/**
 * Fetches the pieces that its target wants from the peers it is given. Every public method is one event: it runs to its
 * end without waiting, and what takes time (an answer, a write) comes back as another event.
 */
export class Download {
  readonly #components: DownloadComponents
  readonly #target: DownloadTarget
  readonly #suppliers: Suppliers
  readonly #jobs: PieceJobs
  readonly #requests: BlockRequests
  readonly #liars: Liars
  readonly #check: PieceCheck
  /** Pieces that no peer gives. */
  readonly runs: PieceRuns
  /** Messages and blocks of many peers come in one turn; one look at all of them is enough. */
  readonly #pumpSoon = oncePerTurn(() => this.#guarded(() => this.#pump()))
  /** Grows whenever something new can be requested. */
  #version = 0
  #stopped = false

  constructor(components: DownloadComponents, target: DownloadTarget) {
    this.#components = components
    this.#target = target
    this.#suppliers = new Suppliers({ self: target.self, pieces: target.map.count })
    this.#liars = new Liars({ target, suppliers: this.#suppliers, onSuspect: (id) => this.#onSuspect(id) })
    this.#jobs = new PieceJobs({
      map: target.map,
      blockLength: components.limits.blockLength,
      buffers: components.buffers,
      onRoom: () => target.events.onRoom(),
      onMoved: (piece) => this.reconsider(piece),
    })
    this.#requests = new BlockRequests(components, {
      onBlock: (job, block, peer) => this.#onBlock(job, block.length, peer),
      onRefused: (job, _block, peer) => this.#onRefused(job, peer),
      onBroken: target.events.onBroken,
    })
    this.#check = new PieceCheck(components, {
      target,
      jobs: this.#jobs,
      liars: this.#liars,
      onDone: () => this.#wakeSoon(),
      onUnchecked: (job) => this.#drop(job),
      onBroken: target.events.onBroken,
    })
    this.runs = new PieceRuns({
      jobs: this.#jobs,
      view: () => this.#view(),
      onDropped: (job) => this.#drop(job),
      onFilled: (job) => {
        this.#received(HTTP, job.memory.length)
        this.#check.begin(job)
        this.wake()
      },
    })
    for (let piece = 0; piece < target.map.count; piece += 1) this.reconsider(piece)
  }

  /** How fast and how soon the peers give. */
  get pace(): DownloadPace {
    const { usualMs, bytesPerSecond } = this.#requests
    return { usualMs, bytesPerSecond, pieceMs: this.#check.pieceMs }
  }

  /**
   * What to expect from peers: something is `promised`; all serving peers have `missed` their time; some have what is
   * wanted but are `busy` with others; or `nothing`.
   */
  get outlook(): 'promised' | 'missed' | 'busy' | 'nothing' {
    if (this.#requests.promising) return 'promised'
    if (this.#suppliers.allMissed) return 'missed'
    if (this.#target.scope() === 'none') return 'nothing'
    const underWay = [...this.#jobs].map(({ piece }) => piece)
    return this.#suppliers.holdAny(underWay) ? 'busy' : 'nothing'
  }

  /** Whether the piece is to be fetched may have changed: its hash became known, or it is here no longer. */
  reconsider(piece: number): void {
    const target = this.#target
    const isKnown = target.hashOf(piece) !== undefined
    this.#suppliers.pieces.want(piece, isKnown && target.lacks(piece) && !this.#jobs.has(piece))
  }

  /** The piece waits for the node's own download rate, or for requests that do, after which an agent is asked for it. */
  isHeld(piece: number): boolean {
    const job = this.#jobs.get(piece)
    if (job !== undefined || this.#jobs.has(piece)) return job !== undefined && isHeld(job)
    return this.#requests.held && this.#suppliers.served(this.#components.clock.monotonicMs()).has(piece)
  }

  addPeer(connection: PeerConnection): void {
    this.#suppliers.add(connection, this.#components.clock.monotonicMs())
    this.wake()
  }

  /** Drops the peer's open requests; keeps the bytes it gave. */
  removePeer(id: string): void {
    const peer = this.#suppliers.get(id)
    if (peer === undefined) return
    this.#suppliers.remove(peer)
    this.#requests.cancelPeer(peer)
    for (const job of [...this.#jobs]) if (job.owner === id) this.#orphan(job)
    this.wake()
  }

  /** The peer has got `piece`, or told anew what it has. */
  peerHas(id: string, piece: number | undefined): void {
    this.#peerEvent(id, (peer) => this.#suppliers.update(peer, piece))
  }

  /** The peer chokes or unchokes; the connection itself rejects what was open. */
  peerChoked(id: string): void {
    this.#peerEvent(id, (peer) => {
      peer.exhaustedAt = -1
      if (peer.connection.choked) return
      // The earlier rejections came from the choke.
      peer.notBeforeMs = 0
      peer.rejections = 0
    })
  }

  peerSuggests(id: string, piece: number): void {
    this.#peerEvent(id, (peer) => this.#suppliers.suggest(peer, piece))
  }

  /** The peer does not give the piece for so long. */
  peerDenies(id: string, { piece, retryMs }: Denial): void {
    const untilMs = this.#components.clock.monotonicMs() + retryMs
    this.#peerEvent(id, (peer) => this.#suppliers.deny(peer, piece, untilMs))
  }

  /** Call it when more may be wanted than before: a record came, or a reader moved on. */
  wake(): void {
    this.#version += 1
    this.#pump()
  }

  #wakeSoon(): void {
    this.#version += 1
    this.#pumpSoon.ask()
  }

  /** To be called about ten times a second; `lateMs` is what the node itself came too late, and nobody's fault. */
  tick(nowMs: number, lateMs = 0): void {
    this.#requests.forgive(lateMs, nowMs)
    this.#requests.expire(nowMs)
    this.#yieldRoom()
    this.wake()
  }

  /** Memory of pieces that nobody gives goes to who needs it. */
  #yieldRoom(): void {
    const othersWait = this.#jobs.yieldRoom()
    const orphans = [...this.#jobs].filter(({ owner }) => owner === undefined)
    if (orphans.length === 0) return
    const { pick } = this.#view()
    for (const job of orphans) if (othersWait || !isOfUse(pick, job.piece)) this.#drop(job)
  }

  /** The hashes are right, by an origin's own word or by the whole digest: so whoever gave a wrong piece has lied. */
  trust(): void {
    this.#liars.trust()
    this.wake()
  }

  stop(): void {
    this.#stopped = true
    this.#pumpSoon.stop()
    this.#check.stop()
    this.#jobs.close()
    for (const job of [...this.#jobs]) this.#drop(job)
  }

  #view(): AssignmentView {
    const target = this.#target
    const nowMs = this.#components.clock.monotonicMs()
    const windows = target.windows(nowMs)
    this.#suppliers.readmit(nowMs)
    return {
      jobs: this.#jobs,
      suppliers: this.#suppliers,
      suspects: this.#liars.suspects,
      pick: this.#pickView(windows, nowMs),
      windows,
      nowMs,
      patienceMs: patienceOf(this.#requests.usualMs),
      repeats: this.#requests.repeats,
      leftBytes: target.leftBytes(),
    }
  }

  #pickView(windows: readonly ReaderWindow[], nowMs: number): PickView {
    const { pieces, mine } = this.#suppliers
    return {
      pieces,
      mine,
      windows,
      scope: this.#target.scope(),
      random: this.#components.random,
      served: () => this.#suppliers.served(nowMs),
      agentsAreSlow: () => {
        const rate = this.#suppliers.agentRate
        return rate !== undefined && this.#target.leftBytes() > rate * PATIENCE_SECONDS
      },
    }
  }

  #peerEvent(id: string, apply: (peer: Supplier) => void): void {
    const peer = this.#suppliers.get(id)
    if (peer === undefined) return
    apply(peer)
    this.#pumpSoon.ask()
  }

  #guarded(event: () => void): void {
    guarded(event, (err) => this.#target.events.onBroken(err))
  }

  /** Gives every peer with room something to do. */
  #pump(): void {
    if (this.#stopped) return
    const nowMs = this.#components.clock.monotonicMs()
    let view: AssignmentView | undefined
    for (const peer of this.#suppliers.ordered()) {
      if (peer.exhaustedAt === this.#version) continue
      while (freeBlocks(peer, nowMs, this.#components.limits) > 0) {
        view ??= this.#view()
        const next = nextBlock(view, peer)
        if (next === undefined) {
          // An origin that falls idle may be asked for more than a busy one.
          if (peer.connection.hello.role === 'agent' || peer.openBlocks === 0) peer.exhaustedAt = this.#version
          break
        }
        if (next.instead === true) this.#requests.cancelBlock(next.block)
        this.#requests.ask(next, peer)
      }
    }
  }

  #onBlock(job: PieceJob, bytes: number, peer: Supplier): void {
    const { role } = peer.connection.hello
    job.arrivedBytes += bytes
    this.#received(role === 'origin' ? 'origin' : 'peer', bytes)
    if (isFilled(job)) this.#check.begin(job)
    this.#pumpSoon.ask()
  }

  #received(from: PieceSourceKind, bytes: number): void {
    this.#components.meters.received[from].add(bytes)
    this.#target.events.onReceived(from, bytes)
  }

  #onRefused(job: PieceJob, peer: Supplier): void {
    if (this.#jobs.isFetching(job) && job.owner === peer.id) this.#orphan(job)
    this.wake()
  }

  /**
   * Lets another peer take the piece over. A piece that must come from one peer, or has no byte yet, is dropped
   * instead.
   */
  #orphan(job: PieceJob): void {
    job.owner = undefined
    if (job.whole || job.blocks.every(isUnasked)) this.#drop(job)
  }

  #drop(job: PieceJob): void {
    this.#requests.cancelJob(job)
    this.#components.meters.wasted.dropped.add(job.arrivedBytes)
    this.#jobs.drop(job)
  }

  /** Asks the peer for nothing more, and lets others finish what it has begun. */
  #onSuspect(id: string): void {
    this.#suppliers.suspect(id)
    for (const job of [...this.#jobs]) if (job.owner === id) this.#orphan(job)
  }
}
