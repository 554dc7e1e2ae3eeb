import { type KeptJob, type KeptRow, keptJobSchema, keptRowSchema } from '../../../lib/api/index.ts'
import type { Startable } from '../../../lib/base/index.ts'
import { repositoryText } from '../../../lib/core/index.ts'
import type { JournalStorage, StorageChange } from '../../../lib/journal/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'

/** A job with its hosts, as it lies on the disk. */
export interface JobRecord {
  readonly job: KeptJob
  /** By their place in the job. */
  readonly rows: ReadonlyMap<number, KeptRow>
}

/**
 * Jobs on the disk, a record for the job and one for each of its hosts, so that what one host has done is written
 * without the others:
 *
 * job/<id>         the job, as JSON
 * row/<id>/<n>     its host number n, as JSON
 */
export interface JobRecords extends Startable {
  /** All that is there. Records that cannot be read are left out and logged. @throws JOURNAL_UNAVAILABLE */
  load(): Promise<readonly JobRecord[]>
  /** Durable when it returns, together or not at all. @throws JOURNAL_UNAVAILABLE */
  add(job: KeptJob, rows: readonly KeptRow[]): Promise<void>
  /** Survives the end of the process; a power loss may undo it. @throws JOURNAL_UNAVAILABLE */
  change(id: string, change: { readonly job?: KeptJob; readonly rows: ReadonlyMap<number, KeptRow> }): Promise<void>
  /** @throws JOURNAL_UNAVAILABLE */
  remove(id: string, rows: number): Promise<void>
}

const jobKey = (id: string) => `job/${id}`
const rowKey = (id: string, n: number) => `row/${id}/${n}`

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value))
const decoded = (value: Uint8Array): unknown => JSON.parse(Buffer.from(value).toString('utf8'))

function jobChange({ repository, ...job }: KeptJob): StorageChange {
  const where = repository === undefined ? {} : { repository: repositoryText(repository) }
  return { key: jobKey(job.id), value: encoded({ ...job, ...where }) }
}

const rowChange = (id: string, n: number, row: KeptRow): StorageChange => ({ key: rowKey(id, n), value: encoded(row) })

export function jobRecords(storage: JournalStorage, logger: Logger): JobRecords {
  return {
    start: () => storage.start(),
    stop: () => storage.stop(),
    async load() {
      const jobs = new Map<string, KeptJob>()
      const rows = new Map<string, Map<number, KeptRow>>()
      for await (const { key, value } of storage.records()) {
        try {
          const [kind, id = '', n] = key.split('/')
          if (kind === 'job') jobs.set(id, keptJobSchema.parse(decoded(value)))
          else
            rows.set(
              id,
              (rows.get(id) ?? new Map<number, KeptRow>()).set(Number(n), keptRowSchema.parse(decoded(value))),
            )
        } catch (err) {
          logger.error('a record of a job cannot be read; it is left out', { key, err })
        }
      }
      return [...jobs].map(([id, job]) => ({ job, rows: rows.get(id) ?? new Map() }))
    },
    add: (job, rows) =>
      storage.write([jobChange(job), ...rows.map((row, n) => rowChange(job.id, n, row))], { sync: true }),
    change: (id, { job, rows }) =>
      storage.write(
        [...(job === undefined ? [] : [jobChange(job)]), ...[...rows].map(([n, row]) => rowChange(id, n, row))],
        { sync: false },
      ),
    remove: (id, count) => {
      const keys = [jobKey(id), ...Array.from({ length: count }, (_, n) => rowKey(id, n))]
      return storage.write(
        keys.map((key) => ({ key, value: undefined })),
        { sync: false },
      )
    },
  }
}
