import type { Random } from '../../../lib/base/index.ts'
import type { PeerId, PeerInfo } from '../../../lib/core/index.ts'

/** Where a node is, as its config says. */
export interface Place {
  readonly zone?: string | undefined
  /** `rack` and `host` say more exactly where it is. */
  readonly labels?: Readonly<Record<string, string>> | undefined
}

/** The peer that asks for other peers. */
export interface Asker extends Place {
  readonly peerId: PeerId
  readonly host: string
  readonly port: number
  readonly complete: boolean
  /** It may be named peers of other zones though there are some of its own: one at a time in each zone of a swarm. */
  readonly crosses?: boolean | undefined
  /** Peers of its zone claim to have the whole blob, and give nothing of it. */
  readonly doubtsZone?: boolean | undefined
}

/** A peer that may be named, with what is known of it. */
export interface Candidate extends PeerInfo, Place {
  /** The share of the blob that it has, if it is not complete and this is known. */
  readonly have?: number | undefined
  /** What it could upload beside what it uploads. */
  readonly spareBytesPerSecond?: number | undefined
  /** What those who took blocks from it have measured. */
  readonly bytesPerSecond?: number | undefined
  /** It has been out of the lists, and may be named again; see `HostHealth`. */
  readonly onProbation?: boolean | undefined
}

/**
 * Orders the candidates, best first; may leave some out, and never names the asker. It is a pure function apart from
 * `random`, so that the simulator and the table tests run the same code.
 */
export type PeerOrder = (asker: Asker, candidates: readonly Candidate[], random: Random) => readonly Candidate[]
