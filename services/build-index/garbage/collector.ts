import type { GarbageReport, MarkingCluster } from '../../../lib/api/index.ts'
import { rehearseConditions } from '../../../lib/backend/index.ts'
import {
  type AbortOptions,
  abortable,
  appError,
  background,
  type Deferred,
  deadline,
  deferred,
  hasCode,
  isAbort,
  type Random,
  type Startable,
  throwIfAborted,
} from '../../../lib/base/index.ts'
import { type Lease, leases } from '../replication/leases.ts'
import { garbageKeys } from './garbage-keys.ts'
import { GarbageRun, newRun, type RunComponents, readRun, stopRun } from './garbage-run.ts'
import { type GarbageWorkComponents, lookForGarbage } from './garbage-work.ts'
import { indexId } from './index-id.ts'
import { markPlaces } from './mark-places.ts'

export interface CollectorComponents extends GarbageWorkComponents, Pick<RunComponents, 'onCounted'> {}

export interface CollectorInit {
  readonly graceMs: number
  /** Without it all looks are dry. */
  readonly mayRemove: boolean
  /** Milliseconds from the begin of one look to the next; undefined: only when an admin orders it. */
  readonly intervalMs: number | undefined
  /** After so long another build-index goes on with a look whose process is gone. */
  readonly leaseMs: number
  /** The name of this cluster, for people. */
  readonly cluster: string
}

/**
 * Looks for garbage, one build-index of a cluster at a time. A look whose process ended goes on at the next start of a
 * build-index, with the next order, and, where there is an interval, at one that runs. Stop it before the backend.
 */
export interface Collector extends Startable {
  /** Begins a look. @throws GARBAGE_RUNNING when one is under way in the cluster, UNSUPPORTED where nothing may be removed */
  order(order: { readonly dryRun: boolean } & AbortOptions): Promise<GarbageReport>
  /** @throws GARBAGE_NEVER */
  report(options?: AbortOptions): Promise<GarbageReport>
  /** Ends the look, wherever it runs. @throws GARBAGE_NEVER */
  end(options?: AbortOptions): Promise<void>
  /** Says that no other cluster writes in the backends of the blobs any more; whose marks were removed. */
  takeOver(options?: AbortOptions): Promise<readonly MarkingCluster[]>
}

export function collector(components: CollectorComponents, init: CollectorInit): Collector {
  return new LeasedCollector(components, init)
}

/** Between two looks whether the next one is due. */
const MAX_PAUSE_MS = 60_000
/** Of the time of a lease: when it is not had by then, somebody else holds it. */
const PATIENCE = 1.5

class LeasedCollector implements Collector {
  readonly #components: CollectorComponents
  readonly #init: CollectorInit
  #tasks = background(() => undefined)
  #leads = false

  constructor(components: CollectorComponents, init: CollectorInit) {
    this.#components = components
    this.#init = init
  }

  async start(): Promise<void> {
    const { logger } = this.#components
    this.#tasks = background((task, err) => logger.error('background task failed', { task, err }))
    this.#tasks.run('looks for garbage', (signal) => this.#attend(signal))
    this.#tasks.run('marks the backends of the blobs', (signal) =>
      markPlaces({ ...this.#components, self: (options) => this.#self(options) }, signal),
    )
  }

  async stop(): Promise<void> {
    await this.#tasks.stop()
  }

  async order({ dryRun, signal }: { readonly dryRun: boolean } & AbortOptions): Promise<GarbageReport> {
    throwIfAborted(signal)
    if (!dryRun && !this.#init.mayRemove) throw removesNothing()
    const begun = deferred<GarbageReport>()
    this.#tasks.run('look for garbage', async (own) => {
      try {
        await this.#lead(this.#newRun(dryRun), begun, own)
        begun.reject(appError('GARBAGE_RUNNING'))
      } catch (err) {
        begun.reject(err)
      }
    })
    return abortable(begun.promise, signal)
  }

  async report(options: AbortOptions = {}): Promise<GarbageReport> {
    const found = await readRun(this.#components.records, options)
    if (found === undefined) throw appError('GARBAGE_NEVER')
    return found
  }

  async end(options: AbortOptions = {}): Promise<void> {
    const { records, clock } = this.#components
    await this.report(options)
    await stopRun(records, clock.now(), options)
  }

  async takeOver(options: AbortOptions = {}): Promise<readonly MarkingCluster[]> {
    return this.#components.stored.takeOver(await this.#self(options), options)
  }

  async #self(options: AbortOptions): Promise<MarkingCluster> {
    return { id: await indexId(this.#components, options), cluster: this.#init.cluster }
  }

  /** What has to hold before anything is condemned. @throws BACKEND_CONDITIONS_IGNORED, GARBAGE_FOREIGN */
  async #mayRemoveNow(self: MarkingCluster, options: AbortOptions): Promise<void> {
    const { backend, random, stored } = this.#components
    await rehearseConditions(backend, { folder: 'garbage/', random, ...options })
    const clusters = await stored.enter(self, options)
    if (clusters.length > 0) throw appError('GARBAGE_FOREIGN', { detail: { clusters } })
  }

  #newRun(dryRun: boolean): GarbageReport {
    const { clock, random } = this.#components
    return newRun({ id: nonce(random), dryRun, graceMs: this.#init.graceMs }, clock.now())
  }

  /** Goes on with what was left, and begins what is due. */
  async #attend(signal: AbortSignal): Promise<void> {
    const { clock, logger, random } = this.#components
    const { intervalMs, leaseMs } = this.#init
    for (;;) {
      try {
        const last = await readRun(this.#components.records, { signal })
        if (last?.state === 'running') await this.#lead(undefined, deferred(), signal)
        else if (intervalMs === undefined) return
        else if (clock.now() >= (last?.startedAtMs ?? 0) + intervalMs) {
          await this.#lead(this.#newRun(!this.#init.mayRemove), deferred(), signal)
        }
      } catch (err) {
        throwIfAborted(signal)
        if (!hasCode(err, 'GARBAGE_RUNNING')) logger.warn('failed to look for garbage; it is tried again', { err })
      }
      const pauseMs = Math.max(leaseMs, Math.min(MAX_PAUSE_MS, intervalMs ?? 0))
      await clock.sleep(pauseMs * (0.5 + random.next() / 2), { signal })
    }
  }

  /**
   * Takes the lease, does the look that was left or else `wanted`, and gives the lease back.
   * @throws GARBAGE_RUNNING when another one holds the lease
   */
  async #lead(wanted: GarbageReport | undefined, begun: Deferred<GarbageReport>, signal: AbortSignal): Promise<void> {
    if (this.#leads) throw appError('GARBAGE_RUNNING')
    this.#leads = true
    const { clock, random } = this.#components
    const { leaseMs } = this.#init
    const [taken, ended] = [deferred(), deferred()]
    const work = async (lease: Lease) => {
      taken.resolve()
      await this.#work(lease, wanted, begun).then(ended.resolve, ended.reject)
    }
    const place = { of: 'garbage', lease: garbageKeys.lease, members: garbageKeys.members }
    const life = leases(this.#components, { place, holder: nonce(random), shards: 1, leaseMs, work })
    const patience = deadline(clock, leaseMs * PATIENCE, signal)
    try {
      await life.start()
      await abortable(taken.promise, patience.signal).catch((err: unknown) => {
        throw patience.expired ? appError('GARBAGE_RUNNING') : err
      })
      patience.release()
      await abortable(ended.promise, signal)
    } finally {
      patience.release()
      await life.stop()
      this.#leads = false
    }
  }

  async #work(lease: Lease, wanted: GarbageReport | undefined, begun: Deferred<GarbageReport>): Promise<void> {
    const { records, logger } = this.#components
    const options = { signal: lease.signal }
    const left = await readRun(records, options)
    const found = left?.state === 'running' ? left : wanted
    if (found === undefined) return
    // One that was left by a build-index that may remove is not carried out by one that may not.
    const report = found.dryRun || this.#init.mayRemove ? found : { ...found, dryRun: true }
    if (report !== left) await records.set(garbageKeys.run, report, options)
    begun.resolve(report)
    const run = new GarbageRun(this.#components, report)
    try {
      const self = await this.#self(options)
      if (!report.dryRun) await this.#mayRemoveNow(self, options)
      await lookForGarbage(this.#components, run, { owner: self.id }, options)
      await run.end(undefined, options)
    } catch (err) {
      // It goes on elsewhere, or somebody has ended it.
      if (lease.signal.aborted || isAbort(err)) return
      logger.warn('the look for garbage failed', { err })
      await run.end(err, options)
    }
  }
}

const removesNothing = () =>
  appError('UNSUPPORTED', {
    message: 'nothing may be removed: see docs/operations.md, "Garbage", then set garbage.remove, or order a dry run',
  })

const nonce = (random: Random): string => Buffer.from(random.bytes(12)).toString('hex')
