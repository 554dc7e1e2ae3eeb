import { appError, type Deferred, deferred } from '../../base/index.ts'
import { swarmLimits } from '../limits.ts'
import type { BlockTarget } from '../wire/index.ts'
import type { Block } from './peer-connection.ts'

/** One request sent. `into` is undefined once nobody waits for it any more. */
export interface OpenRequest extends BlockTarget {
  readonly block: Block
  readonly answer: Deferred<void>
  readonly onUnwanted: ((bytes: number) => void) | undefined
  arriving: boolean
}

/**
 * Requests sent on one connection. A cancelled one stays until the other side has answered it (BEP 6) or, without the
 * fast extension, until newer ones push it out: its block may be on its way already.
 */
export interface RequestTable {
  /** Requests somebody waits for. */
  readonly size: number
  /** @throws WIRE_QUEUE_FULL */
  open(block: Block, into: Uint8Array, onUnwanted?: (bytes: number) => void): OpenRequest
  /** The buffer is never written again. True when the other side should be told. */
  cancel(request: OpenRequest): boolean
  /** The request that a `piece` answers. @throws WIRE_UNASKED_PIECE */
  arriving(block: Block): OpenRequest
  arrived(request: OpenRequest): void
  /** @throws WIRE_FRAME_INVALID when nothing was asked */
  rejected(block: Block): void
  /** Ends every request with `err`; with `mayArrive`, blocks on their way are still expected. */
  failAll(err: unknown, mayArrive: boolean): void
}

export function requestTable(init: { readonly answersCancels: () => boolean }): RequestTable {
  return new Table(init.answersCancels)
}

const same = (a: Block, b: Block) => a.piece === b.piece && a.offset === b.offset && a.length === b.length

class Table implements RequestTable {
  readonly #answersCancels: () => boolean
  /** In the order of sending; never longer than the two limits together. */
  #requests: OpenRequest[] = []
  size = 0

  constructor(answersCancels: () => boolean) {
    this.#answersCancels = answersCancels
  }

  open(block: Block, into: Uint8Array, onUnwanted?: (bytes: number) => void): OpenRequest {
    if (this.size >= swarmLimits.maxOpenRequests) {
      throw appError('WIRE_QUEUE_FULL', { message: 'too many requests are open on this connection' })
    }
    const request: OpenRequest = { block, into, answer: deferred(), onUnwanted, arriving: false }
    this.#requests.push(request)
    this.size += 1
    return request
  }

  cancel(request: OpenRequest): boolean {
    if (request.into === undefined) return false
    request.into = undefined
    this.size -= 1
    if (request.arriving) return false
    this.#boundCancelled()
    return true
  }

  arriving(block: Block): OpenRequest {
    const request = this.#find(block, true)
    if (request === undefined) throw appError('WIRE_UNASKED_PIECE', { detail: { ...block } })
    request.arriving = true
    return request
  }

  arrived(request: OpenRequest): void {
    this.#remove(request)
    if (request.into === undefined) request.onUnwanted?.(request.block.length)
    request.answer.resolve()
  }

  rejected(block: Block): void {
    const request = this.#find(block, false)
    if (request === undefined) {
      throw appError('WIRE_FRAME_INVALID', { message: 'the peer rejects what was not asked', detail: { ...block } })
    }
    this.#remove(request)
    request.answer.reject(appError('PEER_REJECTED'))
  }

  failAll(err: unknown, mayArrive: boolean): void {
    for (const request of this.#requests) {
      if (request.arriving && mayArrive) continue
      if (request.into !== undefined) this.size -= 1
      request.into = undefined
      request.answer.reject(err)
    }
    if (mayArrive) this.#boundCancelled()
    else this.#requests = []
  }

  /**
   * A block and its double may both be open: cancelled, then asked for again. A block serves the one somebody waits
   * for, a rejection the other one.
   */
  #find(block: Block, waitedFor: boolean): OpenRequest | undefined {
    let other: OpenRequest | undefined
    for (const request of this.#requests) {
      if (request.arriving || !same(request.block, block)) continue
      if ((request.into !== undefined) === waitedFor) return request
      other ??= request
    }
    return other
  }

  #remove(request: OpenRequest): void {
    if (request.into !== undefined) this.size -= 1
    const at = this.#requests.indexOf(request)
    if (at >= 0) this.#requests.splice(at, 1)
  }

  #boundCancelled(): void {
    const excess = this.#requests.length - this.size - swarmLimits.maxCancelledRequests
    if (excess <= 0) return
    if (this.#answersCancels()) throw appError('STALLED', { message: 'the peer does not answer cancelled requests' })
    const oldest = this.#requests.find((request) => request.into === undefined && !request.arriving)
    if (oldest !== undefined) this.#remove(oldest)
  }
}
