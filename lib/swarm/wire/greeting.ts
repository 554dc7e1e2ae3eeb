import { type AppError, appError } from '../../base/index.ts'
import {
  type ExtensionOffer,
  extensionHandshake,
  FOREIGN_HELLO,
  nonceIn,
  readExtension,
} from './extension-handshake.ts'
import type { Handshake } from './handshake.ts'
import { checkHello } from './hello-check.ts'
import type { IdleCount } from './idle-count.ts'
import { type Membership, membership, type PeerProver, unproven } from './membership.ts'
import { EXTENDED, encodeExtended, MESSAGE } from './messages.ts'
import { type ProtocolCore, protocolCore } from './protocol-core.ts'
import type { WireInit } from './wire-contract.ts'

export interface GreetingInit {
  readonly wire: WireInit
  readonly idle: IdleCount
  readonly write: (bytes: Uint8Array) => void
  /** Once, when both sides agree and have proven what they must. */
  onAgreed(offer: ExtensionOffer, peerId: string): void
  onFailure(err: AppError): void
}

const failed = (message: string) => appError('WIRE_HANDSHAKE_FAILED', { message })

/** Both handshakes of a connection, and the proofs of both sides. */
export class Greeting {
  readonly #init: GreetingInit
  readonly #core: ProtocolCore
  readonly #membership: Membership | undefined
  #handshake: Handshake | undefined
  #sawHello = false
  /** What their extension handshake said; believed once they have proven themselves. */
  offer: ExtensionOffer | undefined

  constructor(init: GreetingInit) {
    this.#init = init
    const { swarmId, infoHash, self, header, owner, prover } = init.wire
    const foreign = this.#isForeign
    this.#membership = prover && this.#proofs(prover)
    const nonce = this.#membership?.nonce
    this.#core = protocolCore({
      swarmId: infoHash ?? swarmId,
      peerId: self.peerId,
      extendedHandshake: extensionHandshake({ ...self, header, foreign, nonce, lanes: owner !== undefined }),
      output: init.write,
      events: {
        onExtended: (handshake) => this.#onExtended(handshake),
        onFailure: (err) => init.onFailure(err),
      },
    })
  }

  /** Why the handshakes are not through when their time is over. */
  get late(): AppError {
    const waits = this.#membership?.waiting === true
    return waits ? unproven('no proof came in time') : failed('the handshake came too late')
  }

  /** @throws WIRE_HANDSHAKE_FAILED */
  check({ swarmId, peerId, fast, extended }: Handshake): void {
    const { wire } = this.#init
    if (swarmId !== (wire.infoHash ?? wire.swarmId)) throw failed('the other side means another swarm')
    if (peerId === wire.self.peerId) throw failed('the other side is ourselves')
    if (!this.#isForeign && !(fast && extended)) throw failed('the other side does not speak our extension')
  }

  /** Their first handshake, checked. */
  begin(handshake: Handshake): void {
    this.#handshake = handshake
    this.#core.feed(handshake.bytes)
    if (!handshake.extended) this.#init.onAgreed(FOREIGN_HELLO, handshake.peerId)
  }

  /** True for a proof or an extension handshake, which are taken. @throws WIRE_FRAME_INVALID, PEER_UNPROVEN */
  takes(id: number, body: Uint8Array): boolean {
    if (this.#membership?.takes(id, body) === true) return true
    if (id !== MESSAGE.extended || body[0] !== EXTENDED.hello) return false
    if (this.#sawHello || this.#handshake?.extended !== true) this.#init.idle.add()
    else this.#takeHello(body.subarray(1))
    return true
  }

  /**
   * Their extension handshake is told a moment after its bytes have come; messages about blocks come only after the
   * bytes. @throws WIRE_FRAME_INVALID
   */
  needHello(): void {
    if (this.#handshake?.extended === true && !this.#sawHello) {
      throw appError('WIRE_FRAME_INVALID', { message: 'a message about a block came before the extension handshake' })
    }
  }

  /** Nothing that came is still to be told, so that `inOrder` runs its work at once. */
  get settled(): boolean {
    return this.#core.settled
  }

  inOrder(work: () => void): void {
    this.#core.inOrder(work)
  }

  stop(): void {
    this.#core.destroy()
  }

  /** Only the first one matters. */
  #takeHello(payload: Uint8Array): void {
    this.#sawHello = true
    checkHello(payload)
    this.#core.feed(encodeExtended(EXTENDED.hello, payload))
  }

  #onExtended(fields: Readonly<Record<string, unknown>>): void {
    const handshake = this.#handshake
    if (handshake === undefined || this.offer !== undefined) return
    this.offer = readExtension(fields, this.#init.wire.header, this.#isForeign)
    if (this.#membership === undefined) this.#init.onAgreed(this.offer, handshake.peerId)
    else this.#membership.onHello(handshake.peerId, nonceIn(fields))
  }

  #proofs(prover: PeerProver): Membership {
    const { swarmId, self, received } = this.#init.wire
    return membership({
      ...{ prover, swarmId, peerId: self.peerId, side: received === undefined ? 'dialler' : 'accepter' },
      send: (proof) => this.#init.write(encodeExtended(EXTENDED.proof, proof)),
      inOrder: (work) => this.#core.inOrder(work),
      onProven: () => {
        if (this.offer !== undefined && this.#handshake !== undefined) {
          this.#init.onAgreed(this.offer, this.#handshake.peerId)
        }
      },
    })
  }

  /** Nobody is where members prove themselves. */
  get #isForeign(): boolean {
    return this.#init.wire.infoHash !== undefined && this.#init.wire.prover === undefined
  }
}
