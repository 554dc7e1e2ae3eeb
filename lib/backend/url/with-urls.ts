import { Readable } from 'node:stream'
import { type AbortOptions, appError, byteCache, hasCode } from '../../base/index.ts'
import {
  type Digest,
  type RepositoryName,
  rangeLength,
  URL_REGISTRY,
  type WebUrl,
  wholeRange,
} from '../../core/index.ts'
import type { Metrics } from '../../telemetry/index.ts'
import type { Backend } from '../backend.ts'
import type { Backends } from '../backends.ts'
import { boundedBackend } from '../bounded-backend.ts'
import { digestOfKey } from '../content-key.ts'
import { countedBackend } from '../counted-backend.ts'
import { rangeWithin } from '../object-range.ts'
import { owningSource } from '../receive.ts'
import { tagOfUrl, type UrlFacts } from './url-facts.ts'
import type { Urls } from './urls.ts'

/** What a URL was found to stand for. */
export interface KnownUrl extends UrlFacts {
  readonly url: WebUrl
  readonly digest: Digest
}

export interface WithUrlsComponents {
  readonly metrics: Metrics
  readonly urls: Pick<Urls, 'begin' | 'read'>
  /** What is known of the URL that has this repository. */
  readonly recordOf: (name: RepositoryName, options: AbortOptions) => Promise<KnownUrl | undefined>
}

/** URLs whose views are kept; making one again costs no request. */
const MAX_VIEWS = 1000

/**
 * The backends of a cluster, and for repositories of URLs the web servers themselves: a blob that no origin has any more is
 * read there again, by its digest.
 */
export function withUrls(components: WithUrlsComponents, backends: Backends): Backends {
  const views = byteCache<Backend>(MAX_VIEWS, () => 1)
  return {
    ...backends,
    backendFor(repository) {
      if (repository.registry !== URL_REGISTRY) return backends.backendFor(repository)
      const { name } = repository
      const view = views.get(name) ?? countedBackend(components.metrics, boundedBackend(viewOf(components, name)))
      views.set(name, view)
      return view
    },
  }
}

function viewOf({ urls, recordOf }: WithUrlsComponents, name: RepositoryName): Backend {
  const find = async (key: string, options: AbortOptions): Promise<KnownUrl | undefined> => {
    const digest = digestOfKey(key)
    const record = await recordOf(name, options)
    return record?.digest === digest ? record : undefined
  }
  const readOnly = () => appError('BACKEND_READ_ONLY', { message: 'nothing is written to URLs' })
  return {
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    async stat(key, options = {}) {
      const known = await find(key, options)
      const units = known !== undefined && options.thenRead === true ? urls.begin(known.url, known) : {}
      return known && { size: known.size, etag: tagOfUrl(known), ...units }
    },
    async read(key, { range, ...options } = {}) {
      const { signal } = options
      const known = await find(key, { signal })
      if (known === undefined) return undefined
      const wanted = rangeWithin(range ?? wholeRange(known.size), known.size)
      try {
        const isEmpty = rangeLength(wanted) === 0
        const read = isEmpty ? { body: Readable.from([]) } : await urls.read(known.url, wanted, { ...options, known })
        return { ...read, size: known.size, etag: tagOfUrl(known) }
      } catch (err) {
        // What was there is not there any more, and nobody else has it.
        if (hasCode(err, 'URL_CHANGED', 'URL_UNKNOWN', 'URL_NOT_SHARED', 'URL_NOT_NAMED')) return undefined
        throw err
      }
    },
    write: (_key, source) => owningSource(source, () => Promise.reject(readOnly())),
    list: () => Promise.reject(appError('UNSUPPORTED', { message: 'URLs cannot be listed' })),
    delete: () => Promise.reject(readOnly()),
  }
}
