import { type PeerId, parsePeerId } from '../../../core/index.ts'
import { swarmLimits } from '../../limits.ts'
import type { PeerReport } from '../../outside.ts'
import type { PeerConnection } from '../../peer/index.ts'
import type { Conducts } from '../shared/conducts.ts'

/** What each peer gave and got since the last announce, those included that have left since. */
export interface PeerReports {
  /** The peer has left: what is to be said of it is kept. */
  part(id: PeerId, connection: Pick<PeerConnection, 'stats'>): void
  /** What there is to tell; it is told only once. */
  take(present: Iterable<readonly [PeerId, Pick<PeerConnection, 'stats'>]>): readonly PeerReport[]
}

/** Reports of peers that have left, kept for the next announce. */
const MAX_PARTED = 50

const nowhere = { stats: { receivedBytes: 0, sentBytes: 0 } }

export function peerReports(conducts: Pick<Conducts, 'take' | 'ids'>): PeerReports {
  const parted: PeerReport[] = []
  const told = new WeakMap<Pick<PeerConnection, 'stats'>, { receivedBytes: number; sentBytes: number }>()

  const reportOf = (peerId: PeerId, connection: Pick<PeerConnection, 'stats'>): PeerReport | undefined => {
    const { receivedBytes, sentBytes } = connection.stats
    const before = told.get(connection) ?? { receivedBytes: 0, sentBytes: 0 }
    told.set(connection, { receivedBytes, sentBytes })
    const { costMs, lied, ...conduct } = conducts.take(peerId)
    const report = { receivedBytes: receivedBytes - before.receivedBytes, sentBytes: sentBytes - before.sentBytes }
    const wrong = lied ? Math.max(1, Math.ceil(report.receivedBytes / swarmLimits.foreignBlockLength)) : 0
    const failures = conduct.failures + wrong
    if (report.receivedBytes === 0 && report.sentBytes === 0 && failures === 0) return undefined
    return { peerId, ...report, failures, costMs: Math.round(costMs) }
  }

  return {
    part(id, connection) {
      const report = reportOf(id, connection)
      if (report !== undefined && parted.length < MAX_PARTED) parted.push(report)
    },
    take(present) {
      const reports = [...present].map(([id, connection]) => reportOf(id, connection))
      // Those that could not be reached, and liars that are known only now, are not present.
      const absent = conducts
        .ids()
        .slice(0, MAX_PARTED)
        .map((id) => reportOf(parsePeerId(id), nowhere))
      return [...parted.splice(0), ...reports, ...absent].filter((report) => report !== undefined)
    },
  }
}
