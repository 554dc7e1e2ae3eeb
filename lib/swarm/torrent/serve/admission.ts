import type { Bitset, Clock, Random } from '../../../base/index.ts'
import { shuffled } from '../../../base/index.ts'
import type { Digest, PeerInfo } from '../../../core/index.ts'
import type { HttpAdmission, OriginRing } from '../../outside.ts'
import type { Block, PeerConnection } from '../../peer/index.ts'
import { type OriginLedger, originLedger } from '../../picker/index.ts'
import type { SwarmMeters } from '../shared/swarm-meters.ts'
import { namedIn } from './named-in.ts'

export interface AdmissionComponents {
  readonly clock: Clock
  readonly random: Random
  readonly meters: Pick<SwarmMeters, 'admissions'>
  /** Undefined where there is only one origin. */
  readonly ring?: OriginRing | undefined
}

export interface AdmissionInit {
  readonly digest: Digest
  /** Pieces that this origin has. Live. */
  readonly have: Bitset
  /** The peers that are connected now. */
  readonly members: () => Iterable<PeerConnection>
}

/** Peers named with a denial. */
const MAX_NAMED = 4

/** Stock clients are given everything, and nothing counts on them: they cannot be told who else has a piece. */
const isCounted = ({ hello: { role, foreign } }: PeerConnection) => role === 'agent' && !foreign

/** What an origin gives of one blob to whom, over the wire and over HTTP: the ledger, and how its answers are told. */
export class Admission {
  readonly #components: AdmissionComponents
  readonly #init: AdmissionInit
  readonly #ledger: OriginLedger

  constructor(components: AdmissionComponents, init: AdmissionInit) {
    this.#components = components
    this.#init = init
    this.#ledger = originLedger({
      pieces: init.have.length,
      self: components.ring?.self ?? '',
      has: (piece) => init.have.has(piece),
    })
  }

  /** The agent has got `piece`, or has told what it has. */
  update(connection: PeerConnection, piece: number | undefined): void {
    const { hello, remoteHave } = connection
    if (isCounted(connection))
      this.#ledger.update(hello.peerId, remoteHave, piece, this.#components.clock.monotonicMs())
  }

  /** Whether the agent gets the block; if not, it is told so. */
  admits(connection: PeerConnection, block: Block): boolean {
    if (!isCounted(connection)) return true
    const answer = this.#ask(connection.hello.peerId, block.piece)
    if (answer.given) return true
    const { piece } = block
    connection.sendBusy(this.#holders(piece, connection.hello.peerId), { piece, retryMs: answer.retryMs })
    connection.sendReject(block)
    this.suggestTo(connection)
    return false
  }

  /** The agent asks over HTTP for `count` pieces that follow each other. */
  admitOverHttp(agent: string, { first, count }: { readonly first: number; readonly count: number }): HttpAdmission {
    for (let given = 0; given < count; given += 1) {
      const piece = first + given
      const answer = this.#ask(agent, piece)
      if (!answer.given) {
        return { pieces: given, retryAfterMs: Math.ceil(answer.retryMs), peers: this.#holders(piece, agent) }
      }
    }
    return { pieces: count, retryAfterMs: 0, peers: [] }
  }

  /** This origin has got the piece. */
  arrived(piece: number): void {
    this.#ledger.arrived(piece)
  }

  suggestTo(connection: PeerConnection): void {
    if (!isCounted(connection)) return
    for (const piece of this.#ledger.suggest(connection.hello.peerId)) connection.sendSuggest(piece)
  }

  /** What was asked for and not sent yet will not be sent. */
  release(agent: string): void {
    this.#ledger.release(agent)
  }

  remove(agent: string): void {
    this.#ledger.remove(agent, this.#components.clock.monotonicMs())
  }

  #ask(agent: string, piece: number) {
    const { clock, ring, meters } = this.#components
    if (ring !== undefined) this.#ledger.divide(ring.owners(this.#init.digest))
    const answer = this.#ledger.ask(agent, piece, clock.monotonicMs())
    meters.admissions[answer.given ? 'given' : 'busy'].add(1)
    return answer
  }

  #holders(piece: number, asker: string): readonly PeerInfo[] {
    const members = [...this.#init.members()]
    const zone = members.find(({ hello }) => hello.peerId === asker)?.hello.zone
    const named = members
      .filter(({ hello, remoteHave }) => hello.peerId !== asker && remoteHave.has(piece))
      .flatMap((member) => namedIn(zone, member))
    return shuffled(named, this.#components.random).slice(0, MAX_NAMED)
  }
}
