import { appError, Bitset } from '../../lib/base/index.ts'
import type { PeerId, PeerRole } from '../../lib/core/index.ts'
import type { Block, PeerConnection, RequestEvents } from '../../lib/swarm/peer/index.ts'

export interface ScriptedRequest {
  readonly block: Block
  readonly cancelled: boolean
  /** Answers the request; no effect when it was cancelled. */
  answer(bytes: Uint8Array): void
  reject(code: 'PEER_REJECTED' | 'PEER_CLOSED'): void
  /** Delivers part of the bytes; `finish` ends the answer. */
  drip(bytes: Uint8Array, at: number): void
  finish(): void
}

/** A connection without a network: it keeps the requests, and the test answers them. */
export interface ScriptedPeer {
  readonly connection: PeerConnection
  readonly have: Bitset
  /** All requests in order, with those answered or cancelled. */
  readonly requests: readonly ScriptedRequest[]
  /** Requests neither answered nor cancelled. */
  readonly open: readonly ScriptedRequest[]
  choked: boolean
}

class Request implements ScriptedRequest {
  readonly block: Block
  readonly #into: Uint8Array
  readonly #events: RequestEvents
  cancelled = false
  settled = false

  constructor(block: Block, into: Uint8Array, events: RequestEvents) {
    this.block = block
    this.#into = into
    this.#events = events
  }

  answer(bytes: Uint8Array): void {
    this.drip(bytes, 0)
    this.finish()
  }

  drip(bytes: Uint8Array, at: number): void {
    if (!this.cancelled) this.#into.set(bytes, at)
  }

  finish(): void {
    if (this.settled) return
    this.settled = true
    if (this.cancelled) this.#events.onUnwanted(this.block.length)
    else this.#events.onBlock()
  }

  reject(code: 'PEER_REJECTED' | 'PEER_CLOSED'): void {
    if (this.settled || this.cancelled) return
    this.settled = true
    queueMicrotask(() => this.#events.onFailed(appError(code)))
  }

  cancel(): void {
    if (!this.settled) this.cancelled = true
  }
}

export function scriptedPeer(
  peerId: string,
  init: {
    readonly pieces: number
    readonly role?: PeerRole
    readonly has?: readonly number[]
    /** Default 256 KiB. */
    readonly blockLength?: number
  },
): ScriptedPeer {
  const { pieces, role = 'agent', has, blockLength = 256 * 1024 } = init
  const have = has === undefined ? Bitset.full(pieces) : new Bitset(pieces)
  for (const piece of has ?? []) have.add(piece)
  const requests: Request[] = []
  const address = { host: '10.0.0.9', port: 1 }
  const nothing = () => undefined
  const peer: ScriptedPeer = {
    have,
    requests,
    choked: false,
    get open() {
      return requests.filter(({ cancelled, settled }) => !cancelled && !settled)
    },
    connection: {
      hello: {
        foreign: false,
        peerId: peerId as PeerId,
        address,
        listenPort: 1,
        role,
        blockLength,
        direction: 'dialled',
      },
      remoteHave: have,
      get choked() {
        return peer.choked
      },
      pullClass: 'normal',
      stats: { receivedBytes: 0, sentBytes: 0 },
      openRequests: 0,
      attach: nothing,
      request(block: Block, into: Uint8Array, events: RequestEvents) {
        const request = new Request(block, into, events)
        requests.push(request)
        return () => request.cancel()
      },
      sendHave: nothing,
      sendBitfield: nothing,
      sendChoke: nothing,
      sendInterested: nothing,
      sendSuggest: nothing,
      sendBusy: nothing,
      sendWant: nothing,
      sendClass: nothing,
      sendBlock: () => Promise.resolve(),
      sendReject: nothing,
      close: nothing,
    },
  }
  return peer
}
