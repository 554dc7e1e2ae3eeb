import {
  type AbortOptions,
  appError,
  type Clock,
  codeOf,
  isAbort,
  isAppError,
  throwIfAborted,
} from '../../../lib/base/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import type { IndexRecords } from '../index-records.ts'

/** Between two times that the progress is written; so much of the work is done again after the end of a process. */
const SAVE_MS = 2_000

/** How far a look at the whole index is, or what the last one of its kind has found. */
export interface LookReport {
  readonly id: string
  readonly state: 'running' | 'done' | 'failed' | 'stopped'
  readonly dryRun: boolean
  readonly startedAtMs: number
  readonly updatedAtMs: number
  readonly lastError?: { readonly code: string; readonly message: string }
}

/** Where the report of a kind of look lies. */
export interface LookPlace<R extends LookReport> {
  readonly key: string
  readonly parse: (value: unknown) => R
}

export interface LookRunComponents<R extends LookReport> {
  readonly records: IndexRecords
  readonly clock: Clock
  readonly place: LookPlace<R>
}

/** The current look, or the last one. */
export async function readLook<R extends LookReport>(
  records: IndexRecords,
  { key, parse }: LookPlace<R>,
  options: AbortOptions = {},
): Promise<R | undefined> {
  return (await records.read(key, parse, options))?.value
}

/** Ends the current look, wherever it is done. */
export async function stopLook<R extends LookReport>(
  { records, clock, place: { key, parse } }: LookRunComponents<R>,
  options: AbortOptions,
): Promise<void> {
  const decide = (stored: R | undefined) =>
    stored?.state === 'running' ? { ...stored, state: 'stopped', updatedAtMs: clock.now() } : undefined
  await records.change(key, { parse, decide }, options)
}

/** The look that goes on here: its report in memory, written now and then. */
export class LookRun<R extends LookReport> {
  readonly #components: LookRunComponents<R>
  #report: R
  #savedMs = 0

  constructor(components: LookRunComponents<R>, report: R) {
    this.#components = components
    this.#report = report
  }

  get report(): R {
    return this.#report
  }

  change(more: Partial<R>): void {
    this.#report = { ...this.#report, ...more }
  }

  /** What is done up to here need not be done again. Ends the look when somebody has stopped it. @throws ABORTED */
  async reached(at: Partial<R>, options: AbortOptions & { readonly isUrgent?: boolean }): Promise<void> {
    throwIfAborted(options.signal)
    this.change(at)
    const nowMs = this.#components.clock.monotonicMs()
    if (options.isUrgent !== true && nowMs < this.#savedMs + SAVE_MS) return
    this.#savedMs = nowMs
    await this.#save(options)
  }

  async end(err: unknown, options: AbortOptions): Promise<void> {
    const said = isAppError(err) ? err.message : 'an unexpected failure; the log has the cause'
    const lastError = err === undefined ? {} : { lastError: { code: codeOf(err) ?? 'UNKNOWN', message: said } }
    this.#report = { ...this.#report, state: err === undefined ? 'done' : 'failed', ...lastError }
    await this.#save(options)
  }

  /** @throws ABORTED when the stored look is another one, or was stopped */
  async #save({ signal }: AbortOptions): Promise<void> {
    const { records, clock, place } = this.#components
    const found = { isOurs: true }
    const decide = (stored: R | undefined) => {
      found.isOurs = stored === undefined || (stored.id === this.#report.id && stored.state === 'running')
      return found.isOurs ? { ...this.#report, updatedAtMs: clock.now() } : undefined
    }
    await records.change(place.key, { parse: place.parse, decide }, { signal })
    if (!found.isOurs) throw appError('ABORTED', { message: 'the look was stopped' })
  }
}

/** Does the work of a look, and writes how it ended; one that was stopped, or goes on elsewhere, just ends. */
export async function endedBy(
  { logger }: { readonly logger: Logger },
  run: Pick<LookRun<LookReport>, 'end'>,
  options: AbortOptions,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work()
    await run.end(undefined, options)
  } catch (err) {
    if (options.signal?.aborted === true || isAbort(err)) return
    logger.warn('a look failed', { err })
    await run.end(err, options)
  }
}
