import { type AppError, abortable, abortController, type Background, hasCode, toAppError } from '../../../base/index.ts'
import type { ByteRange, PullClass } from '../../../core/index.ts'
import { swarmLimits } from '../../limits.ts'
import type { Block, PeerConnection } from '../../peer/index.ts'
import type { Content } from '../shared/content.ts'
import type { Loan } from '../shared/loan.ts'
import type { SliceCache } from '../shared/slice-cache.ts'
import type { SwarmMeters } from '../shared/swarm-meters.ts'
import type { ClassPaces, UploadLane } from './upload-lane.ts'

export interface BlockSenderComponents {
  readonly lane: UploadLane
  readonly slices: SliceCache
  readonly meters: SwarmMeters
}

export interface BlockSenderInit {
  readonly connection: Pick<PeerConnection, 'pullClass' | 'stats' | 'sendBlock' | 'sendReject'>
  readonly content: Content
  /** The torrent's shares of the upload rate. Its peers of one class share it fairly, since each has only a few blocks in the queue. */
  readonly paces: ClassPaces
  readonly tasks: Background
  /** The content could not be read. */
  onUnreadable(err: AppError): void
}

/** Answers the requests of one peer in their order, a few at a time. */
export interface BlockSender {
  ask(block: Block): void
  /** The peer no longer wants it. */
  cancel(block: Block): void
  /** Drops all waiting requests; the connection has already rejected them. */
  clear(): void
}

/** A block that is to be answered, at the class at which it was asked for. */
interface Asked extends Block {
  readonly pullClass: PullClass
}

function isSame(a: Block, b: Block): boolean {
  return a.piece === b.piece && a.offset === b.offset && a.length === b.length
}

/** Blocks of one peer that are read or sent at the same time; enough to keep its socket busy. */
const WORKERS = 4

export function blockSender(components: BlockSenderComponents, init: BlockSenderInit): BlockSender {
  return new Sender(components, init)
}

class Sender implements BlockSender {
  readonly #components: BlockSenderComponents
  readonly #init: BlockSenderInit
  #queue: Asked[] = []
  readonly #active = new Map<Asked, AbortController>()
  #workers = 0
  #counted = 0

  constructor(components: BlockSenderComponents, init: BlockSenderInit) {
    this.#components = components
    this.#init = init
  }

  ask(block: Block): void {
    const { content, connection, tasks } = this.#init
    const { pullClass } = connection
    if (!content.have.has(block.piece) || !this.#components.lane.tryQueue(block.length, pullClass)) {
      connection.sendReject(block)
      return
    }
    this.#queue.push({ ...block, pullClass })
    if (this.#workers >= WORKERS) return
    this.#workers += 1
    tasks.run('send-blocks', () => this.#work())
  }

  cancel(block: Block): void {
    const at = this.#queue.findIndex((waiting) => isSame(waiting, block))
    for (const gone of at < 0 ? [] : this.#queue.splice(at, 1)) this.#leave(gone)
    for (const [active, controller] of this.#active) if (isSame(active, block)) controller.abort()
  }

  clear(): void {
    for (const gone of this.#queue.splice(0)) this.#leave(gone)
    for (const controller of this.#active.values()) controller.abort()
  }

  #leave({ length, pullClass }: Asked): void {
    this.#components.lane.leave(length, pullClass)
  }

  async #work(): Promise<void> {
    try {
      for (let block = this.#queue.shift(); block !== undefined; block = this.#queue.shift()) await this.#attempt(block)
    } finally {
      this.#workers -= 1
    }
  }

  async #attempt(block: Asked): Promise<void> {
    try {
      const loan = this.#atHand(block)
      if (loan === undefined) await this.#prepareAndSend(block)
      else await this.#sendLoan(block, loan)
      this.#count()
    } catch (err) {
      if (hasCode(err, 'PEER_CLOSED', 'ABORTED')) return
      this.#init.connection.sendReject(block)
      this.#init.onUnreadable(toAppError(err, 'STORE_CORRUPT'))
    } finally {
      this.#leave(block)
    }
  }

  /** The usual case: the whole block is in memory and nothing limits the rate, so there is nothing to wait for. */
  #atHand(block: Asked): Loan | undefined {
    const { content, paces } = this.#init
    if (paces[block.pullClass].available < Number.POSITIVE_INFINITY) return undefined
    const loan = this.#components.slices.lendNow(content, this.#rangeOf(block))
    if (loan === undefined || loan.bytes.length === block.length) return loan
    loan.release()
    return undefined
  }

  #rangeOf({ piece, offset, length }: Block): ByteRange {
    const start = this.#init.content.map.rangeOf(piece).start + offset
    return { start, end: start + length }
  }

  /** Waits for the rate and the disk, until somebody cancels the block. */
  async #prepareAndSend(block: Asked): Promise<void> {
    const controller = abortController()
    this.#active.set(block, controller)
    try {
      await this.#send(block, controller.signal)
    } finally {
      this.#active.delete(block)
    }
  }

  async #send(block: Asked, signal: AbortSignal): Promise<void> {
    const { slices } = this.#components
    const { content, paces } = this.#init
    await paces[block.pullClass].take(block.length, { signal })
    const range = this.#rangeOf(block)
    const lending = slices.lend(content, range)
    let loan: Loan | undefined
    try {
      // A slow disk must not hold the worker of a request that nobody waits for any more.
      loan = await abortable(lending, signal)
    } catch (err) {
      lending.then(
        (late) => late?.release(),
        () => undefined,
      )
      throw err
    }
    if (loan?.bytes.length === block.length) await this.#sendLoan(block, loan)
    else {
      loan?.release()
      await this.#sendCopy(block, range, signal)
    }
  }

  /** Only the connection knows whether a block was cancelled meanwhile and not sent. */
  #count(): void {
    const { sentBytes } = this.#init.connection.stats
    this.#components.meters.sentToPeers.add(sentBytes - this.#counted)
    this.#counted = sentBytes
  }

  async #sendLoan(block: Block, { bytes, release }: Loan): Promise<void> {
    try {
      await this.#init.connection.sendBlock(block, bytes)
    } finally {
      release()
    }
  }

  async #sendCopy(block: Block, range: ByteRange, signal: AbortSignal): Promise<void> {
    const { lane, slices } = this.#components
    const { connection, content } = this.#init
    const bytes = lane.buffers.take(block.length, swarmLimits.maxBlockLength)
    try {
      await abortable(slices.read(content, range, bytes), signal)
      await connection.sendBlock(block, bytes)
    } catch (err) {
      lane.buffers.forsake(bytes)
      throw err
    }
    lane.buffers.give(bytes)
  }
}
