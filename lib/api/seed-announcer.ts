import { type AbortOptions, isAbort } from '../base/index.ts'
import { type Cluster, reportFailure } from '../cluster/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { type SeedChange, type SeedDraft, SeedLedger, type SeedLedgerInit } from './seed-ledger.ts'
import type { AnnouncingPeer, SeedAnswer, TrackerClient } from './tracker.ts'

/** What came of telling the trackers. */
export interface SeedsTold {
  /** False when a tracker did not answer: the caller should tell again soon, with no changes. */
  readonly told: boolean
  /** The time until a tracker should hear again that the node is alive; undefined when no tracker answered. */
  readonly intervalMs: number | undefined
}

export interface SeedAnnouncerComponents {
  readonly cluster: Cluster
  readonly logger: Logger
  /** Undefined for a tracker that is none any more. */
  readonly client: (tracker: string) => Pick<TrackerClient, 'announceSeeds'> | undefined
}

/** Tells the trackers what one node has completely: to each what has changed since its last acknowledged state. */
export interface SeedAnnouncer {
  /**
   * Takes the changes over, whatever becomes of the requests, and tells them. Without changes, every tracker that knows
   * seeds of the node, or one for a node that has none, hears that it is alive, and trackers that failed are tried again. The seeds of a tracker that
   * fails go at once to the next one on their ring. May be called while another call runs.
   * @throws ABORTED only
   */
  readonly tell: (peer: AnnouncingPeer, changes: readonly SeedChange[], options?: AbortOptions) => Promise<SeedsTold>
  /** Another request to the tracker failed: its seeds move on. @throws ABORTED only */
  failed(tracker: string, peer: AnnouncingPeer, options?: AbortOptions): Promise<void>
}

export function seedAnnouncer(
  { cluster, logger, client }: SeedAnnouncerComponents,
  init: SeedLedgerInit,
): SeedAnnouncer {
  const ledger = new SeedLedger(cluster, init)

  const post = async (peer: AnnouncingPeer, draft: SeedDraft, options: AbortOptions) => {
    const member = { id: draft.tracker, url: '' }
    try {
      const answer = await client(draft.tracker)?.announceSeeds(peer, draft.changes, options)
      cluster.report(draft.tracker, 'ok')
      ledger.settle(draft, answer ?? 'failed')
      return answer
    } catch (err) {
      const aborted = isAbort(err) && options.signal?.aborted === true
      ledger.settle(draft, aborted ? 'aborted' : 'failed')
      if (aborted) throw err
      reportFailure(cluster, member, err)
      logger.warn('failed to announce seeds to a tracker', { tracker: draft.tracker, err })
      return undefined
    }
  }

  /** Tells these trackers, and then whoever has news to hear because of how they answered. */
  const pump = async (peer: AnnouncingPeer, trackers: readonly string[], options: AbortOptions) => {
    const answers: (SeedAnswer | undefined)[] = []
    const tell = async (tracker: string): Promise<void> => {
      const draft = ledger.draft(tracker)
      if (draft === undefined) return
      answers.push(await post(peer, draft, options))
      ledger.rehome()
      await Promise.all(ledger.behind.map(tell))
    }
    await Promise.all(trackers.map(tell))
    return answers
  }

  return {
    async tell(peer, changes, options = {}) {
      for (const change of changes) ledger.set(change)
      ledger.rehome()
      const alive = changes.length === 0 ? ledger.listenersFor(peer.peerId) : []
      const answers = await pump(peer, [...new Set([...ledger.behind, ...alive])], options)
      const intervals = answers.flatMap((answer) => answer?.intervalMs ?? [])
      return {
        told: !answers.includes(undefined) && !ledger.isHomeless,
        intervalMs: intervals.length === 0 ? undefined : Math.min(...intervals),
      }
    },
    async failed(tracker, peer, options = {}) {
      ledger.failed(tracker)
      ledger.rehome()
      await pump(peer, ledger.behind, options)
    },
  }
}
