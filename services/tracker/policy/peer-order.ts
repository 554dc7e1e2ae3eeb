import type { Random } from '../../../lib/base/index.ts'
import type { PeerId, PeerInfo } from '../../../lib/core/index.ts'

/** Who wants peers. */
export interface Asker {
  readonly peerId: PeerId
  readonly host: string
  readonly port: number
  readonly complete: boolean
}

/**
 * Puts candidates in order, best first; may leave some out, never names the asker. A pure function but for `random`,
 * so that the simulator and the table tests run the very same code.
 */
export type PeerOrder = (asker: Asker, candidates: readonly PeerInfo[], random: Random) => readonly PeerInfo[]
