import type { Clock, Random, Startable } from '../../../lib/base/index.ts'
import type { Logger, Metrics } from '../../../lib/telemetry/index.ts'
import type { Kube } from './kube.ts'

/** The time in which this process alone may write. */
export interface Term {
  /** Fires when the term ends: the lease is lost, could not be renewed in time, or this process stops. */
  readonly signal: AbortSignal
  /**
   * Call it directly before each write, in the same turn: after a standstill of the process no timer has fired yet, and the
   * signal neither. @throws LEADERSHIP_LOST when the time for writes has passed by the clock
   */
  assert(): void
}

export interface ElectionState {
  /** Of this process; another one after each start. */
  readonly identity: string
  readonly isLeading: boolean
  /** Whoever had the lease when it was last seen; undefined when nobody had, or it was never seen. */
  readonly holder: string | undefined
  /** How often the lease has changed hands, as it says itself. */
  readonly transitions: number
  /** When the lease was last seen, epoch milliseconds; undefined: never. */
  readonly seenAtMs: number | undefined
  /** Why it could not be read or written the last time; undefined when it could. */
  readonly failure: string | undefined
}

/** Stands for a lease from its start to its stop, which gives the lease back. */
export interface Election extends Startable {
  readonly state: ElectionState
}

export interface ElectionComponents {
  readonly kube: Pick<Kube, 'reads' | 'writes'>
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metrics: Metrics
}

export interface ElectionInit {
  /** Name of the lease, in the namespace of the client. */
  readonly lease: string
  /** Of this process, such as its host name; what makes it unique is added. */
  readonly identity: string
  /**
   * Done by the leader, once in each term. It ends soon after the signal of the term: the next term begins, and the lease is
   * given back, only when it has settled. If it ends earlier the lease is kept; if it fails the lease is given back.
   */
  readonly lead: (term: Term) => Promise<void>
  readonly timings: ElectionTimings
}

/** Milliseconds. Those of Kubernetes itself are 15 s, 10 s and 2 s; see `leaseSchema`. */
export interface ElectionTimings {
  /** Others take the lease over when they have seen no change of it for so long. */
  readonly leaseMs: number
  /** The term ends so long after the last renewal was sent that succeeded. */
  readonly renewMs: number
  /** Between two tries to get or to renew it. */
  readonly retryMs: number
}
