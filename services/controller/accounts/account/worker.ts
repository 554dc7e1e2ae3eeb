import {
  backoffMs,
  deadline,
  hasCode,
  isAbort,
  type Rounds,
  rounds,
  type Slots,
  type Startable,
  toAppError,
} from '../../../../lib/base/index.ts'
import type { Term } from '../../kubernetes/index.ts'
import type { AccountsConfig } from '../config.ts'
import type { ControlPlane } from '../resource/control-plane.ts'
import { namespaceOf } from '../rules/marks.ts'
import type { AccountObserver } from './account-observer.ts'
import { whileLeading } from './context.ts'
import { type Outcome, type Reconciler, type ReconcilerComponents, reconciler } from './reconciler.ts'

export interface WorkerInit {
  readonly config: AccountsConfig
  readonly term: Term
  /** Looks that are under way at the same time, of all accounts. */
  readonly slots: Slots
  /** The resource as it was last seen; undefined: it is gone. */
  readonly plane: () => ControlPlane | undefined
  readonly observer: AccountObserver
}

/** Works on one account in one term, with a pace of its own. */
export interface Worker extends Startable {
  /** Something of the account has changed. */
  ask(): void
}

/** A look that takes longer is given up: no account holds up others. */
const LONGEST_LOOK_MS = 60_000
/** Between two looks, however much changes. */
const LEAST_PAUSE_MS = 1_000
/** Nobody tells of what origins hand over, nor of the Secrets with credentials. */
const WAIT_MS = 5_000
const BLOCKED_MS = 30_000
const RETRY = { baseMs: 2_000, maxMs: 300_000, attempts: Number.POSITIVE_INFINITY }

type Look = (plane: ControlPlane, signal: AbortSignal) => Promise<Outcome>

/** One look at a time; from time to time everything is applied again. */
function looker({ clock, kube }: ReconcilerComponents, { config, term }: WorkerInit, own: Reconciler): Look {
  let wholeMs = Number.NEGATIVE_INFINITY
  return async (plane, signal) => {
    const cut = deadline(clock, LONGEST_LOOK_MS, signal)
    const isWhole = clock.monotonicMs() - wholeMs >= config.resync
    if (isWhole) own.forget()
    try {
      const outcome = await own.look({
        ...{ plane, config, reads: kube.reads, writes: whileLeading(kube.writes, term), signal: cut.signal },
        assertLeading: () => term.assert(),
        place: { namespace: namespaceOf(config.prefix, plane), domain: config.clusterDomain },
      })
      if (isWhole) wholeMs = clock.monotonicMs()
      return outcome
    } finally {
      cut.release()
    }
  }
}

export function worker(components: ReconcilerComponents, init: WorkerInit): Worker {
  const { clock, random, logger } = components
  const { config, slots, observer } = init
  const own: Reconciler = reconciler(components)
  const look = looker(components, init, own)
  let failures = 0
  let lastMs = Number.NEGATIVE_INFINITY
  let isGone = false

  const work = async (signal: AbortSignal): Promise<number> => {
    const early = lastMs + LEAST_PAUSE_MS - clock.monotonicMs()
    if (early > 0) await clock.sleep(early, { signal })
    const plane = init.plane()
    if (plane === undefined || isGone) return config.resync
    try {
      const outcome = await slots.run(() => look(plane, signal), { signal })
      failures = 0
      isGone = outcome.state === 'gone'
      observer.looked(plane, outcome)
      return pauseAfter(outcome)
    } catch (err) {
      if (signal.aborted) throw err
      // Half of what was to be done may be done.
      own.forget()
      const isRace = hasCode(err, 'KUBE_CONFLICT', 'KUBE_EXISTS')
      if (!isRace) observer.failed(plane, toAppError(err))
      failures = isRace ? 0 : failures + 1
      return isRace ? LEAST_PAUSE_MS : Math.max(LEAST_PAUSE_MS, backoffMs(RETRY, failures, random))
    } finally {
      lastMs = clock.monotonicMs()
    }
  }

  /** Accounts that are left alone do not all come at one moment. */
  const pauseAfter = ({ state }: Outcome): number => {
    if (state === 'waits') return WAIT_MS
    if (state === 'blocked') return Math.min(BLOCKED_MS, config.resync)
    return config.resync * (0.75 + random.next() / 4)
  }

  const turns: Rounds = rounds(clock, {
    work,
    onFailure: (err) => {
      if (!isAbort(err)) logger.error('a look at an account failed', { err })
    },
    retryMs: BLOCKED_MS,
  })
  return {
    ask: () => turns.ask(),
    start: () => turns.start(),
    async stop() {
      await turns.stop()
      await own.stop()
    },
  }
}
