import type { SteeredHost, SteeringReport } from '../../../lib/api/index.ts'
import { type AgeLinks, AgeList, type Clock, holders } from '../../../lib/base/index.ts'
import { callerAt } from '../../../lib/identity/index.ts'

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
  /** Hosts can be heard of from now on. */
  begin(): void
  /** Whether that is so long ago that whoever is there has been heard of: reports outlive no restart. */
  readonly isWhole: boolean
  /** Forgets those that have been silent for long. Call it regularly. */
  sweep(): void
}

export interface HostReportsInit {
  /** Most hosts; beyond it one of the address with most of them is forgotten, the one that is silent for longest. */
  readonly max: number
}

/** Agents ask every 30 s at the latest, other services more often. */
const AWAY_MS = 75_000
/** So long it is still said that a host is away. */
const KEPT_MS = 3_600_000

interface Entry extends AgeLinks<Entry> {
  readonly report: HostReport
  /** Whoever takes room with it. */
  readonly holder: string
}

export function hostReports(clock: Pick<Clock, 'now' | 'monotonicMs'>, { max }: HostReportsInit): HostReports {
  // In the order in which they were heard of.
  const byName = new Map<string, Entry>()
  const byPeer = new Map<string, Entry>()
  const shares = new Map<string, AgeList<Entry>>()
  const held = holders()
  let beganMs = Number.POSITIVE_INFINITY
  // Services of different kinds may have the same name.
  const nameOf = ({ kind, id }: Pick<HostReport, 'kind' | 'id'>) => `${kind} ${id}`
  const keep = (entry: Entry) => {
    const { report, holder } = entry
    byName.set(nameOf(report), entry)
    if (report.peerId !== undefined) byPeer.set(report.peerId, entry)
    const share = shares.get(holder) ?? new AgeList()
    share.add(entry)
    shares.set(holder, share)
    held.add(holder, 1)
  }
  const forget = (entry: Entry | undefined) => {
    if (entry === undefined) return
    const { report, holder } = entry
    byName.delete(nameOf(report))
    if (report.peerId !== undefined && byPeer.get(report.peerId) === entry) byPeer.delete(report.peerId)
    const share = shares.get(holder)
    share?.remove(entry)
    if (share?.size === 0) shares.delete(holder)
    held.add(holder, -1)
  }
  const silentMs = ({ seenAtMs }: HostReport) => clock.now() - seenAtMs
  return {
    note(report) {
      forget(byName.get(nameOf(report)))
      const noted = { ...report, seenAtMs: clock.now() }
      keep({ report: noted, holder: callerAt(report.address), older: undefined, newer: undefined })
      if (byName.size > max) forget(shares.get(held.largest ?? '')?.oldest)
    },
    *all() {
      for (const { report } of byName.values()) yield report
    },
    ofPeer: (peerId) => byPeer.get(peerId)?.report,
    begin() {
      beganMs = clock.monotonicMs()
    },
    get isWhole() {
      return clock.monotonicMs() - beganMs >= AWAY_MS
    },
    isAway: (report) => silentMs(report) >= AWAY_MS,
    sweep() {
      for (const entry of byName.values()) {
        if (silentMs(entry.report) < KEPT_MS) return
        forget(entry)
      }
    },
  }
}
