import { type AppError, appError } from '../../base/index.ts'
import { swarmLimits } from '../limits.ts'
import type { BlockTarget } from '../wire/index.ts'
import type { Block, RequestEvents } from './peer-connection.ts'

/** A request that was sent. `into` is undefined when nobody waits for it any more. */
export interface OpenRequest extends BlockTarget {
  readonly block: Block
  readonly events: RequestEvents
  arriving: boolean
}

/**
 * Requests that were sent on one connection. A cancelled request stays until the other side has answered it (BEP 6) or,
 * without the fast extension, until newer ones push it out, because its block may already be on its way.
 */
export interface RequestTable {
  /** Number of requests that somebody waits for. */
  readonly size: number
  /** @throws WIRE_QUEUE_FULL */
  open(block: Block, into: Uint8Array, events: RequestEvents): OpenRequest
  /** After this nothing is written to the buffer, and nobody is told. True when the other side should be told. */
  cancel(request: OpenRequest): boolean
  /** The request that a `piece` message answers. @throws WIRE_UNASKED_PIECE */
  arriving(block: Block): OpenRequest
  arrived(request: OpenRequest): void
  /** @throws WIRE_FRAME_INVALID when nothing was requested */
  rejected(block: Block): void
  /** A rejection for a part of the piece is about to follow. @throws WIRE_FRAME_INVALID when nothing was requested */
  denied(piece: number): void
  /** Fails every request with `err`; with `mayArrive`, blocks that are on their way are still accepted. */
  failAll(err: AppError, mayArrive: boolean): void
}

export function requestTable(init: { readonly answersCancels: () => boolean }): RequestTable {
  return new Table(init.answersCancels)
}

const same = (a: Block, b: Block) => a.piece === b.piece && a.offset === b.offset && a.length === b.length

/** Later, since whoever is told may ask others at once, or close the connection. */
function fail({ events }: OpenRequest, err: AppError): void {
  queueMicrotask(() => events.onFailed(err))
}

class Table implements RequestTable {
  readonly #answersCancels: () => boolean
  /** In the order of sending; never longer than the two limits together. */
  #requests: OpenRequest[] = []
  size = 0

  constructor(answersCancels: () => boolean) {
    this.#answersCancels = answersCancels
  }

  open(block: Block, into: Uint8Array, events: RequestEvents): OpenRequest {
    if (this.size >= swarmLimits.maxOpenRequests) {
      throw appError('WIRE_QUEUE_FULL', { message: 'too many requests are open on this connection' })
    }
    const request: OpenRequest = { block, into, events, arriving: false }
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
    const wanted = request.into !== undefined
    this.#remove(request)
    if (wanted) request.events.onBlock()
    else request.events.onUnwanted(request.block.length)
  }

  rejected(block: Block): void {
    const request = this.#find(block, false)
    if (request === undefined) {
      throw appError('WIRE_FRAME_INVALID', {
        message: 'the peer rejects a request that was never sent',
        detail: { ...block },
      })
    }
    const wanted = request.into !== undefined
    this.#remove(request)
    if (wanted) fail(request, appError('PEER_REJECTED'))
  }

  denied(piece: number): void {
    if (this.#requests.some(({ block }) => block.piece === piece)) return
    throw appError('WIRE_FRAME_INVALID', {
      message: 'the peer denies a piece that was never asked for',
      detail: { piece },
    })
  }

  failAll(err: AppError, mayArrive: boolean): void {
    for (const request of this.#requests) {
      if (request.into === undefined || (request.arriving && mayArrive)) continue
      this.size -= 1
      request.into = undefined
      fail(request, err)
    }
    if (mayArrive) this.#boundCancelled()
    else this.#requests = []
  }

  /**
   * One block may have two open requests: a cancelled one and a new one. A block answers the request that somebody
   * waits for; a rejection answers the other one.
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
    request.into = undefined
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
