import type { Random } from '../../../lib/base/index.ts'
import type { PeerId, PeerInfo } from '../../../lib/core/index.ts'

/** The peer that asks for other peers. */
export interface Asker {
  readonly peerId: PeerId
  readonly host: string
  readonly port: number
  readonly complete: boolean
}

/**
 * Orders the candidates, best first; may leave some out, and never names the asker. It is a pure function apart from
 * `random`, so that the simulator and the table tests run the same code.
 */
export type PeerOrder = (asker: Asker, candidates: readonly PeerInfo[], random: Random) => readonly PeerInfo[]
