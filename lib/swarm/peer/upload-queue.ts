import { appError, type Deferred, deferred } from '../../base/index.ts'
import { swarmLimits } from '../limits.ts'
import type { Wire } from '../wire/index.ts'
import type { Block } from './peer-connection.ts'

interface Upload {
  readonly block: Block
  /** The bytes of the answer, when they are known. */
  bytes: Uint8Array | undefined
  readonly sent: Deferred<void>
}

/** Requests of the other side that wait for an answer. Each one gets exactly one answer: a block or a rejection. */
export interface UploadQueue {
  readonly sentBytes: number
  /** False when the request was rejected because we choke. @throws WIRE_QUEUE_FULL, WIRE_FRAME_INVALID */
  asked(block: Block): boolean
  /** Rejects the request if its block was not sent yet. False when there was nothing to cancel. */
  cancelled(block: Block): boolean
  /**
   * Resolves when the bytes are sent, or the other side no longer wants them.
   * @throws PEER_CLOSED, SIZE_INVALID when the number of bytes is not the length of the block
   */
  answer(block: Block, bytes: Uint8Array): Promise<void>
  reject(block: Block): void
  /** Choking rejects every open request. */
  choke(choked: boolean): void
  close(): void
}

export function uploadQueue(wire: Wire): UploadQueue {
  return new Queue(wire)
}

const same = (a: Block, b: Block) => a.piece === b.piece && a.offset === b.offset && a.length === b.length

class Queue implements UploadQueue {
  readonly #wire: Wire
  /** In the order of the requests. */
  #open: Upload[] = []
  /** Passed to the channel, not yet flushed. */
  readonly #leaving = new Set<Upload>()
  #choking = true
  #rejectedWhileChoking = 0
  #closed = false
  sentBytes = 0

  constructor(wire: Wire) {
    this.#wire = wire
  }

  asked(block: Block): boolean {
    const { foreign } = this.#wire.hello
    if (foreign && block.length > swarmLimits.foreignBlockLength) {
      throw appError('WIRE_FRAME_INVALID', { message: 'a stock client asks for too much at once' })
    }
    const maxOpen = foreign ? swarmLimits.maxForeignRequests : swarmLimits.maxOpenRequests
    if (this.#choking) {
      this.#rejectedWhileChoking += 1
      if (this.#rejectedWhileChoking > maxOpen) throw appError('WIRE_QUEUE_FULL')
      this.#sendReject(block)
      return false
    }
    if (this.#open.length >= maxOpen) throw appError('WIRE_QUEUE_FULL')
    this.#open.push({ block, bytes: undefined, sent: deferred() })
    return true
  }

  cancelled(block: Block): boolean {
    const upload = this.#open.find((open) => same(open.block, block))
    if (upload === undefined) return false
    this.#drop(upload)
    return true
  }

  answer(block: Block, bytes: Uint8Array): Promise<void> {
    if (this.#closed) return Promise.reject(appError('PEER_CLOSED'))
    if (bytes.length !== block.length) return Promise.reject(appError('SIZE_INVALID', { detail: { ...block } }))
    const upload = this.#open.find((open) => open.bytes === undefined && same(open.block, block))
    if (upload === undefined) return Promise.resolve()
    upload.bytes = bytes
    this.#pump()
    return upload.sent.promise
  }

  reject(block: Block): void {
    const upload = this.#open.find((open) => open.bytes === undefined && same(open.block, block))
    if (upload !== undefined) this.#drop(upload)
  }

  choke(choked: boolean): void {
    if (choked === this.#choking) return
    this.#choking = choked
    this.#rejectedWhileChoking = 0
    if (choked) for (const upload of [...this.#open]) this.#drop(upload)
  }

  close(): void {
    this.#closed = true
    for (const upload of [...this.#open, ...this.#leaving]) upload.sent.reject(appError('PEER_CLOSED'))
    this.#open = []
    this.#leaving.clear()
  }

  #drop(upload: Upload): void {
    this.#open.splice(this.#open.indexOf(upload), 1)
    this.#sendReject(upload.block)
    upload.sent.resolve()
  }

  #sendReject(block: Block): void {
    const wire = this.#wire
    if (wire.fast) wire.sendBlockMessage('reject', block)
  }

  /** Sends the answers that are ready, in the order of the requests, as long as little waits in the channel. */
  #pump(): void {
    const wire = this.#wire
    while (!this.#closed && wire.pendingBytes < swarmLimits.sendHighWaterBytes) {
      const at = this.#open.findIndex((open) => open.bytes !== undefined)
      const [upload] = at < 0 ? [] : this.#open.splice(at, 1)
      if (upload?.bytes === undefined) return
      this.#send(wire, upload, upload.bytes)
    }
  }

  #send(wire: Wire, upload: Upload, bytes: Uint8Array): void {
    this.#leaving.add(upload)
    wire.sendBlock(upload.block, bytes, () => {
      if (!this.#leaving.delete(upload)) return
      this.sentBytes += bytes.length
      upload.sent.resolve()
      this.#pump()
    })
  }
}
