import { type AppError, appError } from '../../base/index.ts'
import { EXTENDED, MESSAGE } from './messages.ts'

/** Bytes of a nonce and of a proof. */
export const NONCE_LENGTH = 32

const CONTEXT = Buffer.from('shoal peer proof 1\0', 'latin1')

/**
 * Proofs that two peers give each other of belonging to one cluster, over transcripts that name the connection. Without
 * one, peers are not asked for any.
 */
export interface PeerProver {
  /** 32 bytes that were never used before. */
  nonce(): Uint8Array
  /** 32 bytes that only a member can make of the transcript. */
  prove(transcript: Uint8Array): Uint8Array
  /** Whether a member made the proof of this transcript; in constant time. */
  holds(transcript: Uint8Array, proof: Uint8Array): boolean
}

export type Side = 'dialler' | 'accepter'

/** What one side of a connection brings into it. */
export interface SideFacts {
  readonly nonce: Uint8Array
  /** Hex, 40 characters. */
  readonly peerId: string
}

/**
 * What a proof is made over: who proves, both nonces, the swarm and both peers. Every part has a fixed length, so no
 * two connections, and no two sides of one, share a transcript.
 */
export function transcript(prover: Side, swarmId: string, sides: Readonly<Record<Side, SideFacts>>): Uint8Array {
  const { dialler, accepter } = sides
  const hex = (text: string) => Buffer.from(text, 'hex')
  return Buffer.concat([
    ...[CONTEXT, Uint8Array.of(prover === 'dialler' ? 1 : 2), dialler.nonce, accepter.nonce],
    ...[hex(swarmId), hex(dialler.peerId), hex(accepter.peerId)],
  ])
}

export interface MembershipInit {
  readonly prover: PeerProver
  readonly side: Side
  readonly swarmId: string
  readonly peerId: string
  /** Sends our proof. */
  readonly send: (proof: Uint8Array) => void
  /** Runs `work` once all that came before has been told. */
  readonly inOrder: (work: () => void) => void
  /** Their proof holds. */
  readonly onProven: () => void
}

/**
 * The proofs of one connection. The dialler proves first, and the accepter only to who has: a stranger that calls gets
 * nothing to guess the secret by.
 */
export interface Membership {
  /** Goes out in our extension handshake. */
  readonly nonce: Uint8Array
  /** Their extension handshake has come. @throws PEER_UNPROVEN when it has no nonce */
  onHello(peerId: string, nonce: Uint8Array | undefined): void
  /**
   * True for the proof, which is taken. Until it has come nothing else may come but the extension handshake.
   * @throws PEER_UNPROVEN
   */
  takes(id: number, body: Uint8Array): boolean
  /** Their extension handshake has come, and no proof that holds. */
  readonly waiting: boolean
}

/** The reason with which a connection without a valid proof is closed. */
export function unproven(message: string): AppError {
  return appError('PEER_UNPROVEN', { message: `${message}; all members need the same secrets.node` })
}

export function membership(init: MembershipInit): Membership {
  const { prover, side, swarmId } = init
  const other: Side = side === 'dialler' ? 'accepter' : 'dialler'
  const ours: SideFacts = { nonce: prover.nonce(), peerId: init.peerId }
  let sides: Readonly<Record<Side, SideFacts>> | undefined
  let seen = false
  let proven = false
  const prove = (facts: Readonly<Record<Side, SideFacts>>) => init.send(prover.prove(transcript(side, swarmId, facts)))
  const check = (proof: Uint8Array) => {
    if (sides === undefined) throw unproven('a proof came before the extension handshake')
    if (!prover.holds(transcript(other, swarmId, sides), proof)) {
      throw unproven('the proof of the other side does not hold')
    }
    proven = true
    if (side === 'accepter') prove(sides)
    init.onProven()
  }
  return {
    nonce: ours.nonce,
    onHello(peerId, nonce) {
      if (nonce?.length !== NONCE_LENGTH)
        throw unproven('the other side offers no proof that it belongs to the cluster')
      const theirs = { nonce, peerId }
      sides = side === 'dialler' ? { dialler: ours, accepter: theirs } : { dialler: theirs, accepter: ours }
      if (side === 'dialler') prove(sides)
    },
    takes(id, body) {
      if (seen) return false
      if (id !== MESSAGE.extended) throw unproven('the other side speaks before it has proven anything')
      if (body[0] !== EXTENDED.proof) return false
      seen = true
      const proof = Uint8Array.from(body.subarray(1))
      init.inOrder(() => check(proof))
      return true
    },
    get waiting() {
      return sides !== undefined && !proven
    },
  }
}
