import {
  type AbortOptions,
  abortable,
  abortController,
  anySignal,
  appError,
  background,
  type Deferred,
  deferred,
  type ErrorCode,
  hasCode,
  isAbort,
  type Rounds,
  rounds,
  type Startable,
  throwIfAborted,
} from '../../../lib/base/index.ts'
import type { Lease, LeasePlace, LeasesComponents } from '../replication/leases.ts'
import { type LookPlace, type LookReport, readLook, stopLook } from './look-run.ts'
import { nonce, underLease } from './under-lease.ts'

/** What changes while looks go on. */
export interface LookRules {
  /** Without it all looks are dry. */
  readonly mayRemove: boolean
  /** Milliseconds from the begin of one look to the next; undefined: only when an admin orders it. */
  readonly intervalMs: number | undefined
}

export interface LooksInit extends LookRules {
  /** After so long another build-index goes on with a look whose process is gone. */
  readonly leaseMs: number
}

/** A kind of look at the whole index. */
export interface LookKind<R extends LookReport> {
  /** Where its report lies, and its lease. */
  readonly place: LookPlace<R>
  readonly lease: LeasePlace
  readonly codes: { readonly running: ErrorCode; readonly never: ErrorCode }
  /** What to do before anything may be removed. */
  readonly advice: string
  readonly begin: (look: { readonly id: string; readonly dryRun: boolean }) => R
  /** Does the look, and writes its end. */
  readonly work: (report: R, options: AbortOptions) => Promise<void>
}

/**
 * Looks of one kind, one build-index of a cluster at a time. A look whose process ended goes on at the next start of a
 * build-index, with the next order, and, where there is an interval, at one that runs. Stop it before the backend.
 */
export interface LeasedLooks<R extends LookReport> extends Startable {
  /** Begins a look. @throws `codes.running` when one is under way in the cluster, UNSUPPORTED where nothing may be removed */
  order(order: { readonly dryRun: boolean } & AbortOptions): Promise<R>
  /** @throws `codes.never` */
  report(options?: AbortOptions): Promise<R>
  /** Ends the look, wherever it runs. @throws `codes.never` */
  end(options?: AbortOptions): Promise<void>
  /** From now on. A look that goes on here halts, and goes on by them: a dry one where nothing may be removed any more. */
  obey(rules: LookRules): void
}

export function leasedLooks<R extends LookReport>(
  components: LeasesComponents,
  kind: LookKind<R>,
  init: LooksInit,
): LeasedLooks<R> {
  return new Looks(components, kind, init)
}

/** Between two looks whether the next one is due. */
const MAX_PAUSE_MS = 60_000

class Looks<R extends LookReport> implements LeasedLooks<R> {
  readonly #components: LeasesComponents
  readonly #kind: LookKind<R>
  readonly #leaseMs: number
  readonly #attending: Rounds
  #rules: LookRules
  #tasks = background(() => undefined)
  /** The look that is led here, until its lease is given back. */
  #led: Promise<void> | undefined
  /** Ends the work of that look here, for it to go on by other rules. */
  #halt = abortController()

  constructor(components: LeasesComponents, kind: LookKind<R>, init: LooksInit) {
    this.#components = components
    this.#kind = kind
    this.#leaseMs = init.leaseMs
    this.#rules = init
    this.#attending = rounds(components.clock, {
      work: (signal) => this.#attend(signal),
      onFailure: (err) =>
        components.logger.error('background task failed', { task: `looks for ${kind.lease.of}`, err }),
      retryMs: MAX_PAUSE_MS,
    })
  }

  async start(): Promise<void> {
    const { logger } = this.#components
    this.#tasks = background((task, err) => logger.error('background task failed', { task, err }))
    await this.#attending.start()
  }

  async stop(): Promise<void> {
    await Promise.all([this.#attending.stop(), this.#tasks.stop()])
  }

  obey(rules: LookRules): void {
    this.#rules = rules
    this.#halt.abort()
    this.#attending.ask()
  }

  async order({ dryRun, signal }: { readonly dryRun: boolean } & AbortOptions): Promise<R> {
    throwIfAborted(signal)
    const { lease, codes, advice } = this.#kind
    if (!dryRun && !this.#rules.mayRemove) throw appError('UNSUPPORTED', { message: advice })
    const begun = deferred<R>()
    this.#tasks.run(`look for ${lease.of}`, async (own) => {
      try {
        await this.#lead(this.#begin(dryRun), begun, own)
        begun.reject(appError(codes.running))
      } catch (err) {
        begun.reject(err)
      }
    })
    return abortable(begun.promise, signal)
  }

  async report({ signal }: AbortOptions = {}): Promise<R> {
    const found = await this.#last({ signal })
    if (found === undefined) throw appError(this.#kind.codes.never)
    return found
  }

  async end({ signal }: AbortOptions = {}): Promise<void> {
    await this.report({ signal })
    await stopLook({ ...this.#components, place: this.#kind.place }, { signal })
  }

  #last(options: AbortOptions): Promise<R | undefined> {
    return readLook(this.#components.records, this.#kind.place, options)
  }

  #begin(dryRun: boolean): R {
    return this.#kind.begin({ id: nonce(this.#components.random), dryRun })
  }

  /** Goes on with what was left, and begins what is due; gives the pause until it is to be asked again. */
  async #attend(signal: AbortSignal): Promise<number> {
    const { clock, logger, random } = this.#components
    const { intervalMs, mayRemove } = this.#rules
    const { lease, codes } = this.#kind
    try {
      await abortable(this.#led ?? Promise.resolve(), signal)
      const last = await this.#last({ signal })
      if (last?.state === 'running') await this.#lead(undefined, deferred(), signal)
      else if (intervalMs === undefined) return Number.POSITIVE_INFINITY
      else if (clock.now() >= (last?.startedAtMs ?? 0) + intervalMs) {
        await this.#lead(this.#begin(!mayRemove), deferred(), signal)
      }
    } catch (err) {
      throwIfAborted(signal)
      if (!hasCode(err, codes.running)) logger.warn('a look failed; it is tried again', { look: lease.of, err })
    }
    const pauseMs = Math.max(this.#leaseMs, Math.min(MAX_PAUSE_MS, intervalMs ?? 0))
    return pauseMs * (0.5 + random.next() / 2)
  }

  /**
   * Takes the lease, does the look that was left or else `wanted`, and gives the lease back.
   * @throws `codes.running` when another one holds the lease
   */
  async #lead(wanted: R | undefined, begun: Deferred<R>, signal: AbortSignal): Promise<void> {
    const busy = () => appError(this.#kind.codes.running)
    if (this.#led !== undefined) throw busy()
    const over = deferred()
    this.#led = over.promise
    const init = { place: this.#kind.lease, leaseMs: this.#leaseMs, busy }
    try {
      await underLease(this.#components, init, (lease) => this.#work(lease, wanted, begun), { signal })
    } finally {
      this.#led = undefined
      over.resolve()
    }
  }

  async #work(lease: Lease, wanted: R | undefined, begun: Deferred<R>): Promise<void> {
    const { records, logger } = this.#components
    const { place, work, lease: of } = this.#kind
    const halt = abortController()
    this.#halt = halt
    const { mayRemove } = this.#rules
    const options = { signal: lease.signal }
    const left = await this.#last(options)
    const found = left?.state === 'running' ? left : wanted
    if (found === undefined) return
    // One that was left by a build-index that may remove is not carried out by one that may not.
    const report = found.dryRun || mayRemove ? found : { ...found, dryRun: true }
    if (report !== left) await records.set(place.key, report, options)
    begun.resolve(report)
    if (halt.signal.aborted) return
    try {
      await work(report, { signal: anySignal([lease.signal, halt.signal]) })
    } catch (err) {
      // It goes on elsewhere, or by other rules, or somebody has ended it.
      if (!lease.signal.aborted && !isAbort(err))
        logger.warn('a look could not write how it ended', { look: of.of, err })
    }
  }
}
