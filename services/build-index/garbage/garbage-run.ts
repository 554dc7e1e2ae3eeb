import { type GarbageCounts, type GarbageReport, garbageReportSchema, parseBody } from '../../../lib/api/index.ts'
import { type AbortOptions, type Clock, codeOf } from '../../../lib/base/index.ts'
import { type Repository, repositoryText } from '../../../lib/core/index.ts'
import type { IndexRecords } from '../index-records.ts'
import { type LookPlace, LookRun, readLook } from '../looks/look-run.ts'
import { garbageKeys } from './garbage-keys.ts'

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

/** Where the report lies. */
export const garbagePlace: LookPlace<GarbageReport> = {
  key: garbageKeys.run,
  parse: (value) => parseBody(garbageReportSchema, value),
}

/** The current run, or the last one. */
export const readRun = (records: IndexRecords, options: AbortOptions = {}): Promise<GarbageReport | undefined> =>
  readLook(records, garbagePlace, options)

export interface RunComponents {
  readonly records: IndexRecords
  readonly clock: Clock
  /** Called with what was counted since the last time. */
  readonly onCounted?: ((name: keyof GarbageCounts, more: number) => void) | undefined
}

/** The look for garbage that goes on here, with what it counts. */
export class GarbageRun {
  readonly #run: LookRun<GarbageReport>
  readonly #onCounted: RunComponents['onCounted']

  constructor({ onCounted, ...components }: RunComponents, report: GarbageReport) {
    this.#run = new LookRun({ ...components, place: garbagePlace }, report)
    this.#onCounted = onCounted
  }

  get report(): GarbageReport {
    return this.#run.report
  }

  count(name: keyof GarbageCounts, more = 1): void {
    if (more === 0) return
    const { counts } = this.report
    this.#run.change({ counts: { ...counts, [name]: counts[name] + more } })
    if (!this.report.dryRun) this.#onCounted?.(name, more)
  }

  unreadable(repository: Repository, err: unknown): void {
    const { unreadable } = this.report
    if (unreadable.length >= MAX_NAMED) return
    const entry = { repository: repositoryText(repository), code: codeOf(err) ?? 'UNKNOWN' }
    this.#run.change({ unreadable: [...unreadable, entry] })
  }

  unsupported(place: string): void {
    const { unsupported } = this.report
    if (unsupported.length < MAX_NAMED) this.#run.change({ unsupported: [...unsupported, place] })
  }

  /** As `LookRun.reached`. @throws ABORTED */
  async reached(at: Pick<GarbageReport, 'phase' | 'at'>, options: AbortOptions): Promise<void> {
    await this.#run.reached(at, { ...options, isUrgent: at.phase !== this.report.phase })
  }

  end(err: unknown, options: AbortOptions): Promise<void> {
    return this.#run.end(err, options)
  }
}
