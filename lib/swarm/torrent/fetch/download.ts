import { type Alarm, oncePerTurn } from '../../../base/index.ts'
import type { Denial, PeerConnection } from '../../peer/index.ts'
import { isOfUse } from '../../picker/index.ts'
import type { DownloadPace } from '../shared/download-pace.ts'
import type { PieceSourceKind } from '../shared/pull-summary.ts'
import type { WaitSpot } from '../shared/pull-trace.ts'
import type { SourceRecord } from '../shared/source-record.ts'
import { Assigner } from './assigner.ts'
import { assignmentView } from './assignment-view.ts'
import { BlockRequests } from './block-requests.ts'
import type { DownloadComponents, DownloadTarget } from './download-contract.ts'
import { guarded } from './guarded.ts'
import { Liars } from './liars.ts'
import { PieceCheck } from './piece-check.ts'
import { giversOf, HTTP, isFilled, isHeld, isUnasked, type PieceJob } from './piece-job.ts'
import { PieceJobs } from './piece-jobs.ts'
import { PieceRuns } from './piece-runs.ts'
import type { Supplier } from './supplier.ts'
import { Suppliers } from './suppliers.ts'
import { WhyWaits } from './why-waits.ts'

/** So often a peer is looked at again for which nothing was found, as long as something is wanted. */
const LOOK_MS = 100

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
  readonly #assigner: Assigner
  readonly #why: WhyWaits
  /** Messages and blocks of many peers come in one turn; one look at all of them is enough. */
  readonly #pumpSoon = oncePerTurn(() => this.#guarded(() => this.#pump()))
  /** Due when time alone may have changed what can be asked of whom. */
  readonly #look: Alarm
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
      onUnasked: (job) => this.#jobs.reopen(job),
      onBroken: target.events.onBroken,
    })
    this.#check = new PieceCheck(components, {
      target,
      jobs: this.#jobs,
      liars: this.#liars,
      onJudged: (job, good) => this.#onJudged(job, good),
      onDone: () => this.#wakeSoon(),
      onUnchecked: (job) => this.#drop(job),
      onBroken: target.events.onBroken,
    })
    const parts = {
      ...{ target, random: components.random, repeats: this.#requests.repeats, usualMs: () => this.#requests.usualMs },
      ...{ jobs: this.#jobs, suppliers: this.#suppliers, suspects: this.#liars.suspects },
    }
    const view = () => assignmentView(parts, components.wheel.nowMs)
    this.#assigner = new Assigner(components, {
      ...{ view, suppliers: this.#suppliers, requests: this.#requests },
      onRelieved: () => this.#pumpSoon.ask(),
    })
    this.runs = new PieceRuns({
      jobs: this.#jobs,
      view,
      onDropped: (job) => this.#drop(job),
      onFilled: (job) => {
        this.#received(HTTP, job.memory.length)
        this.#check.begin(job)
        this.#wakeSoon()
      },
    })
    const isLimited = () => components.downloads.available < Number.POSITIVE_INFINITY
    this.#why = new WhyWaits(components, {
      ...{ jobs: this.#jobs, suppliers: this.#suppliers, usualMs: parts.usualMs },
      isHeld: (piece) => isLimited() && this.isHeld(piece),
    })
    this.#look = components.wheel.alarm(() => this.#guarded(() => this.#lookAgain()))
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
    return this.#requests.held && this.#suppliers.served(this.#components.wheel.nowMs).has(piece)
  }

  /** Why the piece is not here; the answer is good until the next call. */
  why(piece: number): WaitSpot {
    return this.#why.of(piece)
  }

  /** What each peer has given and failed to give. */
  get sources(): readonly SourceRecord[] {
    return this.#suppliers.book.records()
  }

  addPeer(connection: PeerConnection): void {
    this.#suppliers.add(connection, this.#components.wheel.nowMs)
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
    const untilMs = this.#components.wheel.nowMs + retryMs
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

  /** Some of what is missing is of use now. */
  get wanting(): boolean {
    return this.#target.leftBytes() > 0 && this.#target.scope() !== 'none'
  }

  #lookAgain(): void {
    this.#yieldRoom()
    this.wake()
  }

  /** Memory of pieces that nobody gives goes to who needs it. */
  #yieldRoom(): void {
    const othersWait = this.#jobs.yieldRoom()
    const orphans = [...this.#jobs].filter(({ owner }) => owner === undefined)
    if (orphans.length === 0) return
    const { pick } = this.#assigner.view
    for (const job of orphans) if (othersWait || !isOfUse(pick, job.piece)) this.#drop(job)
    this.#lookSoon()
  }

  /** The hashes are right, by an origin's own word or by the whole digest: so whoever gave a wrong piece has lied. */
  trust(): void {
    this.#liars.trust()
    this.wake()
  }

  stop(): void {
    this.#stopped = true
    this.#pumpSoon.stop()
    this.#look.cancel()
    this.#check.stop()
    this.#jobs.close()
    for (const job of [...this.#jobs]) this.#drop(job)
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

  #pump(): void {
    if (this.#stopped) return
    const isAnyIdle = this.#assigner.run(this.#version)
    if ((isAnyIdle && (this.wanting || this.#jobs.size > 0)) || this.#jobs.awaitsRoom) this.#lookSoon()
    this.#target.events.onLooked()
  }

  #onJudged(job: PieceJob, good: boolean): void {
    this.#why.judged(job.piece, good)
    if (good) job.storing = true
    else for (const giver of giversOf(job)) this.#suppliers.book.wrong(giver)
  }

  #lookSoon(): void {
    this.#look.by(this.#components.wheel.nowMs + LOOK_MS)
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
    this.#wakeSoon()
  }

  /**
   * Lets another peer take the piece over. A piece that must come from one peer, or has no byte yet, is dropped
   * instead.
   */
  #orphan(job: PieceJob): void {
    job.owner = undefined
    if (job.whole || job.blocks.every(isUnasked)) this.#drop(job)
    else this.#lookSoon()
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
