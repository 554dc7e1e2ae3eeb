import { seededRandom } from '../../lib/base/index.ts'
import { newPeerId } from '../../lib/core/index.ts'
import type { Asker, Candidate } from '../../services/tracker/policy/peer-order.ts'

const ids = seededRandom(1)
let hosts = 0

/** Peers that a policy may order, each at an address of its own. */
export function candidates(count: number, given: Partial<Candidate> = {}): readonly Candidate[] {
  return Array.from({ length: count }, () => {
    hosts += 1
    const address = { host: `10.0.${hosts >> 8}.${hosts & 255}`, port: 6881 }
    return { peerId: newPeerId(ids), ...address, role: 'agent', complete: false, ...given }
  })
}

export function asker(given: Partial<Asker> = {}): Asker {
  hosts += 1
  const address = { host: `10.0.${hosts >> 8}.${hosts & 255}`, port: 6881 }
  return { peerId: newPeerId(ids), ...address, complete: false, ...given }
}
