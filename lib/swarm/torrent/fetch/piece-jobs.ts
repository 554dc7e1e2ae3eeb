import type { PieceMap } from '../../../core/index.ts'
import { PieceMemory } from '../shared/piece-memory.ts'
import type { PiecePool } from '../shared/piece-pool.ts'
import { type BlockState, HTTP, isUnasked, type PieceJob, pieceJob } from './piece-job.ts'

export interface PieceJobsInit {
  readonly map: PieceMap
  readonly blockLength: number
  readonly buffers: PiecePool
  /** There may be room for a piece that could not be started. */
  onRoom(): void
  /** The piece is under way, or is no longer: `has` tells. */
  onMoved(piece: number): void
}

/**
 * The pieces that one torrent is working on: being fetched, or complete and being checked or stored. Their memory comes
 * from the pool.
 */
export class PieceJobs {
  readonly #init: PieceJobsInit
  readonly #fetching = new Map<number, PieceJob>()
  readonly #whole = new Map<number, PieceJob>()
  /** Those being fetched that may have a block that was requested from nobody. */
  readonly #open = new Set<PieceJob>()
  readonly #waiter = { onTurn: () => this.#init.onRoom() }
  #asked = false
  #waits = false
  #bytes = 0

  constructor(init: PieceJobsInit) {
    this.#init = init
  }

  [Symbol.iterator](): IterableIterator<PieceJob> {
    return this.#fetching.values()
  }

  get size(): number {
    return this.#fetching.size + this.#whole.size
  }

  /** Length in bytes of all these pieces, whether the bytes have arrived or not. */
  get bytes(): number {
    return this.#bytes
  }

  /** Bytes that two peers are asked for at the moment. */
  get repeatedBytes(): number {
    let sum = 0
    for (const { blocks } of this) for (const { asks, length } of blocks) sum += length * Math.max(0, asks.size - 1)
    return sum
  }

  /** Whether the piece is being fetched, checked or stored. */
  has(piece: number): boolean {
    return this.#fetching.has(piece) || this.#whole.has(piece)
  }

  /** The piece, while it is being fetched. */
  get(piece: number): PieceJob | undefined {
    return this.#fetching.get(piece)
  }

  /** The piece was checked, and is being stored. */
  isStoring(piece: number): boolean {
    return this.#whole.get(piece)?.storing === true
  }

  isFetching(job: PieceJob): boolean {
    return this.#fetching.get(job.piece) === job
  }

  /** Whether another piece may be started: there is memory, and no torrent before this one waits for it. */
  get room(): boolean {
    const { buffers, map } = this.#init
    return !buffers.line.isBehind(this.#waiter) && buffers.hasRoom(map.pieceLength)
  }

  /**
   * Like `room`, for a piece that is to be started now. A torrent with nothing under way gets the memory of pieces that
   * are only kept, or stands in line for it: those with pieces under way start no more meanwhile.
   */
  claimRoom(): boolean {
    if (this.room) return true
    if (this.size > 0) return false
    const { buffers, map } = this.#init
    if (!buffers.line.isBehind(this.#waiter) && buffers.claimRoom(map.pieceLength)) return true
    buffers.line.join(this.#waiter)
    this.#asked = true
    this.#waits = true
    return false
  }

  /** It stands in line for memory, or did lately. */
  get awaitsRoom(): boolean {
    return this.#waits
  }

  /** Leaves the line when nothing has asked for room since the last call. True when others wait for memory. */
  yieldRoom(): boolean {
    const { line } = this.#init.buffers
    if (!this.#asked) this.#leaveLine()
    this.#asked = false
    return line.isBehind(this.#waiter)
  }

  start(piece: number, init: { readonly owner: string; readonly whole: boolean; readonly nowMs: number }): PieceJob {
    const { map, blockLength, buffers } = this.#init
    this.#leaveLine()
    const memory = new PieceMemory(buffers, map.sizeOf(piece), map.pieceLength)
    const job = pieceJob({ ...init, piece, blockLength, memory })
    this.#fetching.set(piece, job)
    this.#bytes += memory.length
    // What comes over HTTP is requested from no peer.
    if (init.owner !== HTTP) this.#open.add(job)
    this.#init.onMoved(piece)
    return job
  }

  /** Leaves the waiting line, since no more pieces will be started. */
  close(): void {
    this.#leaveLine()
  }

  #leaveLine(): void {
    this.#waits = false
    this.#init.buffers.line.leave(this.#waiter)
  }

  /** Gives the piece up and frees its memory. */
  drop(job: PieceJob): void {
    const known = this.isFetching(job) ? this.#fetching : this.#whole
    if (known.get(job.piece) === job) {
      known.delete(job.piece)
      this.#bytes -= job.memory.length
    }
    this.#open.delete(job)
    job.memory.release()
    this.#init.onMoved(job.piece)
  }

  /** Every byte of the piece is here; it is checked and, when it is good, stored. */
  whole(job: PieceJob): void {
    this.#fetching.delete(job.piece)
    this.#open.delete(job)
    this.#whole.set(job.piece, job)
  }

  /** The piece is in the store, or could not be stored; its memory is freed by somebody else. */
  stored(job: PieceJob): void {
    if (this.#whole.delete(job.piece)) this.#bytes -= job.memory.length
    this.#init.onMoved(job.piece)
  }

  /** A block of the piece is requested from nobody any more. */
  reopen(job: PieceJob): void {
    if (this.isFetching(job)) this.#open.add(job)
  }

  /** The first block that was not requested from anybody, in a piece that `fits`. */
  findUnasked<T>(
    fits: (job: PieceJob, asker: T) => boolean,
    asker: T,
  ): { readonly job: PieceJob; readonly block: BlockState } | undefined {
    for (const job of this.#open) {
      const block = job.blocks.find(isUnasked)
      if (block === undefined) this.#open.delete(job)
      else if (fits(job, asker)) return { job, block }
    }
    return undefined
  }
}
