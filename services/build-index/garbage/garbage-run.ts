import { type GarbageCounts, type GarbageReport, garbageReportSchema, parseBody } from '../../../lib/api/index.ts'
import { type AbortOptions, appError, type Clock, codeOf, isAppError, throwIfAborted } from '../../../lib/base/index.ts'
import { type Repository, repositoryText } from '../../../lib/core/index.ts'
import type { IndexRecords } from '../index-records.ts'
import { garbageKeys } from './garbage-keys.ts'

/** Between two times that the progress is written; so much of the work is done again after the end of a process. */
const SAVE_MS = 2_000
/** Of what could not be looked at, so much is named. */
const MAX_NAMED = 100

const noCounts: GarbageCounts = {
  ...{ repositories: 0, manifests: 0, links: 0, linksCondemned: 0, linksWaiting: 0, linksRemoved: 0 },
  ...{ blobs: 0, blobsCondemned: 0, blobsWaiting: 0, blobsPardoned: 0, blobsHeld: 0, blobsRemoved: 0, bytesRemoved: 0 },
}

export interface NewRun {
  readonly id: string
  readonly dryRun: boolean
  readonly graceMs: number
}

export function newRun({ id, dryRun, graceMs }: NewRun, nowMs: number): GarbageReport {
  return {
    ...{ id, dryRun, graceMs, state: 'running', startedAtMs: nowMs, updatedAtMs: nowMs },
    ...{ phase: 'links', at: '', counts: noCounts, unreadable: [], unsupported: [] },
  }
}

const parseReport = (value: unknown): GarbageReport => parseBody(garbageReportSchema, value)

/** The current run, or the last one. */
export async function readRun(records: IndexRecords, options: AbortOptions = {}): Promise<GarbageReport | undefined> {
  return (await records.read(garbageKeys.run, parseReport, options))?.value
}

/** Ends the current run, wherever it is done. */
export async function stopRun(records: IndexRecords, nowMs: number, options: AbortOptions): Promise<void> {
  const decide = (stored: GarbageReport | undefined) =>
    stored?.state === 'running' ? { ...stored, state: 'stopped', updatedAtMs: nowMs } : undefined
  await records.change(garbageKeys.run, { parse: parseReport, decide }, options)
}

export interface RunComponents {
  readonly records: IndexRecords
  readonly clock: Clock
  /** Called with what was counted since the last time. */
  readonly onCounted?: ((name: keyof GarbageCounts, more: number) => void) | undefined
}

/** The run that goes on here: its counts in memory, written now and then. */
export class GarbageRun {
  readonly #components: RunComponents
  #report: GarbageReport
  #savedMs = 0

  constructor(components: RunComponents, report: GarbageReport) {
    this.#components = components
    this.#report = report
  }

  get report(): GarbageReport {
    return this.#report
  }

  count(name: keyof GarbageCounts, more = 1): void {
    if (more === 0) return
    const { counts } = this.#report
    this.#report = { ...this.#report, counts: { ...counts, [name]: counts[name] + more } }
    if (!this.#report.dryRun) this.#components.onCounted?.(name, more)
  }

  unreadable(repository: Repository, err: unknown): void {
    const { unreadable } = this.#report
    if (unreadable.length >= MAX_NAMED) return
    const entry = { repository: repositoryText(repository), code: codeOf(err) ?? 'UNKNOWN' }
    this.#report = { ...this.#report, unreadable: [...unreadable, entry] }
  }

  unsupported(place: string): void {
    const { unsupported } = this.#report
    if (unsupported.length < MAX_NAMED) this.#report = { ...this.#report, unsupported: [...unsupported, place] }
  }

  /** What is done up to here need not be done again. Ends the run when somebody has stopped it. @throws ABORTED */
  async reached(at: Pick<GarbageReport, 'phase' | 'at'>, options: AbortOptions): Promise<void> {
    throwIfAborted(options.signal)
    const isFirst = at.phase !== this.#report.phase
    this.#report = { ...this.#report, ...at }
    const nowMs = this.#components.clock.monotonicMs()
    if (!isFirst && nowMs < this.#savedMs + SAVE_MS) return
    this.#savedMs = nowMs
    await this.#save(options)
  }

  async end(err: unknown, options: AbortOptions): Promise<void> {
    const said = isAppError(err) ? err.message : 'an unexpected failure; the log has the cause'
    const lastError = err === undefined ? {} : { lastError: { code: codeOf(err) ?? 'UNKNOWN', message: said } }
    this.#report = { ...this.#report, state: err === undefined ? 'done' : 'failed', ...lastError }
    await this.#save(options)
  }

  /** @throws ABORTED when the stored run is another one, or was stopped */
  async #save(options: AbortOptions): Promise<void> {
    const { records, clock } = this.#components
    const found = { isOurs: true }
    const decide = (stored: GarbageReport | undefined) => {
      found.isOurs = stored === undefined || (stored.id === this.#report.id && stored.state === 'running')
      return found.isOurs ? { ...this.#report, updatedAtMs: clock.now() } : undefined
    }
    await records.change(garbageKeys.run, { parse: parseReport, decide }, options)
    if (!found.isOurs) throw appError('ABORTED', { message: 'the look for garbage was stopped' })
  }
}
