import { parseAnswer, type UrlRecord, urlRecordSchema } from '../../../lib/api/index.ts'
import type { Backend } from '../../../lib/backend/index.ts'
import { type AbortOptions, type Clock, countCache, parseJson } from '../../../lib/base/index.ts'
import { type RepositoryName, urlRepository } from '../../../lib/core/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'

/** What URLs were found to stand for: one small object for each in a backend that all origins share. */
export interface UrlRecords {
  /** `name` is that of the URL's repository. A record that cannot be understood counts as none. */
  get(name: RepositoryName, options: AbortOptions): Promise<UrlRecord | undefined>
  put(record: UrlRecord, options: AbortOptions): Promise<void>
}

/** Records that are remembered, and for how long: another origin may have written a newer one. */
const MAX_KEPT = 10_000
const KEPT_MS = 10_000
const MAX_RECORD_BYTES = 16 * 1024

const keyOf = (name: RepositoryName) => `urls/${name.slice(0, 2)}/${name}.json`

export interface UrlRecordsComponents {
  readonly backend: Pick<Backend, 'read' | 'write'>
  readonly clock: Clock
  readonly logger: Logger
}

export function urlRecords({ backend, clock, logger }: UrlRecordsComponents): UrlRecords {
  const kept = countCache<UrlRecord>(clock, { maxEntries: MAX_KEPT, ttlMs: KEPT_MS })

  const parsed = (name: RepositoryName, bytes: Uint8Array): UrlRecord | undefined => {
    try {
      const record = parseAnswer(urlRecordSchema, parseJson(Buffer.from(bytes).toString('utf8')))
      return urlRepository(record.url).name === name ? record : undefined
    } catch (err) {
      logger.warn('failed to understand the record of a URL', { name, err })
      return undefined
    }
  }

  return {
    async get(name, options) {
      const known = kept.get(name)
      if (known !== undefined) return known
      const found = await backend.read(keyOf(name), options)
      if (found === undefined) return undefined
      if (found.size > MAX_RECORD_BYTES) {
        found.body.destroy()
        return undefined
      }
      const record = parsed(name, Buffer.concat(await found.body.toArray(options)))
      if (record !== undefined) kept.set(name, record)
      return record
    },
    async put(record, options) {
      const { name } = urlRepository(record.url)
      const bytes = Buffer.from(JSON.stringify(record))
      await backend.write(keyOf(name), bytes, { ...options, size: bytes.length })
      kept.set(name, record)
    },
  }
}
