import type { SteeredHost, SteeringReport } from '../../../lib/api/index.ts'
import type { Clock } from '../../../lib/base/index.ts'

/** What is known of a host that takes settings here, or cannot. */
export interface HostReport extends SteeredHost {
  readonly peerId: string | undefined
  readonly address: string
  readonly label: string | undefined
  readonly shoal: string | undefined
  /** Undefined when its version takes no settings. */
  readonly report: SteeringReport | undefined
  /** Milliseconds since the epoch. */
  readonly seenAtMs: number
}

/** The last report of each host. */
export interface HostReports {
  note(report: Omit<HostReport, 'seenAtMs'>): void
  /** In no order. */
  all(): Iterable<HostReport>
  /** Of the host whose present run announces by this id. */
  ofPeer(peerId: string): HostReport | undefined
  /** Whether it was not heard of for too long. */
  isAway(report: HostReport): boolean
  /** Forgets those that have been silent for long. Call it regularly. */
  sweep(): void
}

export interface HostReportsInit {
  /** Most hosts; beyond it those that are silent for longest are forgotten. */
  readonly max: number
}

/** Agents ask every 30 s at the latest, other services more often. */
const AWAY_MS = 75_000
/** So long it is still said that a host is away. */
const KEPT_MS = 3_600_000

export function hostReports(clock: Pick<Clock, 'now'>, { max }: HostReportsInit): HostReports {
  // In the order in which they were heard of.
  const byName = new Map<string, HostReport>()
  const byPeer = new Map<string, HostReport>()
  // Services of different kinds may have the same name.
  const nameOf = ({ kind, id }: Pick<HostReport, 'kind' | 'id'>) => `${kind} ${id}`
  const forget = (report: HostReport | undefined) => {
    if (report === undefined) return
    byName.delete(nameOf(report))
    const { peerId } = report
    if (peerId !== undefined && byPeer.get(peerId) === report) byPeer.delete(peerId)
  }
  const silentMs = ({ seenAtMs }: HostReport) => clock.now() - seenAtMs
  return {
    note(report) {
      forget(byName.get(nameOf(report)))
      const noted = { ...report, seenAtMs: clock.now() }
      byName.set(nameOf(report), noted)
      if (report.peerId !== undefined) byPeer.set(report.peerId, noted)
      for (const oldest of byName.values()) {
        if (byName.size <= max) break
        forget(oldest)
      }
    },
    all: () => byName.values(),
    ofPeer: (peerId) => byPeer.get(peerId),
    isAway: (report) => silentMs(report) >= AWAY_MS,
    sweep() {
      for (const report of byName.values()) {
        if (silentMs(report) < KEPT_MS) return
        forget(report)
      }
    },
  }
}
