import type { UrlAnswer, UrlRecord } from '../../../lib/api/index.ts'
import { isSameContent, type UrlContent, type Urls } from '../../../lib/backend/index.ts'
import {
  type AbortOptions,
  type AppError,
  appError,
  background,
  type Clock,
  countCache,
  hasCode,
  isAppError,
  type Startable,
  singleFlight,
  throwIfAborted,
} from '../../../lib/base/index.ts'
import { type RepositoryName, urlRepository, type WebUrl } from '../../../lib/core/index.ts'
import type { Logger, Metrics } from '../../../lib/telemetry/index.ts'
import { Arrival, type ArrivalComponents } from './arrival.ts'
import type { UrlRecords } from './records.ts'

export interface BroughtUrlsComponents extends Omit<ArrivalComponents, 'clock' | 'urls'> {
  readonly urls: Pick<Urls, 'names' | 'open' | 'read'>
  readonly records: UrlRecords
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
}

export interface BroughtUrlsInit {
  /** For so long after a look the web server is not asked again. */
  readonly freshMs: number
  /** While the web server does not answer, what it said at most so long ago counts. */
  readonly outageMs: number
  /** Most URLs that are brought at the same time. */
  readonly max: number
}

/** What lies under URLs, brought to this origin. Its stop ends what is under way. */
export interface BroughtUrls extends Startable {
  /**
   * What a URL stands for now. Content that nobody has seen yet is begun to be brought, to its end, whoever goes away.
   * @throws URL_NOT_NAMED, URL_UNKNOWN, URL_NOT_SHARED, LISTENER_BUSY, what a backend fails with
   */
  ask(url: WebUrl, options: AbortOptions): Promise<UrlAnswer>
  /** What comes here now, of the content with this tag. @throws URL_CHANGED when it does not come */
  coming(url: WebUrl): Pick<Arrival, 'facts' | 'read'>
}

/** A failure is remembered for so long, so that each node that asks does not make us ask again. */
const FAILED_MS = 5_000
const MAX_FAILED = 10_000

type Outcome = 'fresh' | 'same' | 'new' | 'changed' | 'coming' | 'outage' | 'refused' | 'failed'

const isOutage = (err: unknown) => hasCode(err, 'BACKEND_UNAVAILABLE', 'BACKEND_THROTTLED')

/** The record without what is only ours. */
const told = ({ digest, size, etag, lastModified, mediaType }: UrlRecord): UrlAnswer => ({
  ...{ digest, size, etag, lastModified, mediaType },
})

class Brought implements BroughtUrls {
  readonly #components: BroughtUrlsComponents
  readonly #init: BroughtUrlsInit
  readonly #arrivals = new Map<RepositoryName, Arrival>()
  readonly #looks = singleFlight<RepositoryName, UrlAnswer>()
  readonly #failed
  readonly #asked
  readonly #work

  constructor(components: BroughtUrlsComponents, init: BroughtUrlsInit) {
    const { clock, logger, metrics } = components
    this.#components = components
    this.#init = init
    this.#failed = countCache<AppError>(clock, { maxEntries: MAX_FAILED, ttlMs: FAILED_MS })
    const help = 'Questions what a URL stands for, by what was found.'
    this.#asked = metrics.counter({ name: 'shoal_url_asks_total', help }, ['outcome'])
    this.#work = background((name, err) => logger.warn('failed to bring a URL', { name, err }))
  }

  start(): Promise<void> {
    return this.#work.start()
  }

  stop(): Promise<void> {
    return this.#work.stop()
  }

  async ask(url: WebUrl, options: AbortOptions): Promise<UrlAnswer> {
    const { name } = urlRepository(url)
    try {
      if (!this.#components.urls.names(url)) throw appError('URL_NOT_NAMED')
      const arriving = this.#arrivals.get(name)
      if (arriving !== undefined) return this.#found('coming', arriving.facts)
      const failed = this.#failed.get(name)
      if (failed !== undefined) throw failed
      return await this.#looks.run(name, (signal) => this.#look(url, name, { signal }), options)
    } catch (err) {
      throwIfAborted(options.signal)
      this.#count(isAppError(err) && !err.retryable ? 'refused' : 'failed')
      throw err
    }
  }

  coming(url: WebUrl): Pick<Arrival, 'facts' | 'read'> {
    const arriving = this.#arrivals.get(urlRepository(url).name)
    if (arriving === undefined) throw appError('URL_CHANGED', { message: 'the content does not come here any more' })
    return arriving
  }

  #count(outcome: Outcome): void {
    this.#asked.with({ outcome }).add()
  }

  #found(outcome: Outcome, answer: UrlAnswer): UrlAnswer {
    this.#count(outcome)
    return answer
  }

  async #look(url: WebUrl, name: RepositoryName, options: AbortOptions): Promise<UrlAnswer> {
    const { records, urls, clock } = this.#components
    const known = await records.get(name, options)
    const ageMs = known === undefined ? Number.POSITIVE_INFINITY : clock.now() - known.provenAtMs
    if (known !== undefined && ageMs >= 0 && ageMs < this.#init.freshMs) return this.#found('fresh', told(known))
    try {
      const content = await urls.open(url, { ...options, known })
      if (content !== undefined) return this.#begin(url, name, { content, known })
    } catch (err) {
      throwIfAborted(options.signal)
      if (known !== undefined && isOutage(err) && ageMs < this.#init.outageMs) return this.#found('outage', told(known))
      if (isAppError(err)) this.#failed.set(name, err)
      throw err
    }
    if (known === undefined) throw appError('BACKEND_UNAVAILABLE', { message: 'the web server sent nothing' })
    await this.#note({ ...known, provenAtMs: clock.now() }, options)
    return this.#found('same', told(known))
  }

  /** A record that cannot be written costs another look, no answer. */
  async #note(record: UrlRecord, options: AbortOptions): Promise<void> {
    const { records, logger } = this.#components
    await records.put(record, options).catch((err: unknown) => {
      throwIfAborted(options.signal)
      logger.warn('failed to write the record of a URL', { err })
    })
  }

  #begin(url: WebUrl, name: RepositoryName, seen: { content: UrlContent; known: UrlRecord | undefined }): UrlAnswer {
    const { content, known } = seen
    const { facts } = content
    if (this.#arrivals.size >= this.#init.max) {
      content.body.on('error', () => undefined).destroy()
      throw appError('LISTENER_BUSY', { message: 'too many URLs are being brought; try again' })
    }
    const arrival = new Arrival({ ...this.#components }, url, facts)
    this.#arrivals.set(name, arrival)
    const provenAtMs = this.#components.clock.now()
    this.#work.run('url', async (signal) => {
      try {
        const digest = await arrival.bring(content, { signal })
        await this.#note({ url, digest, provenAtMs, ...facts }, { signal })
      } catch (err) {
        if (isAppError(err)) this.#failed.set(name, err)
        throw err
      } finally {
        this.#arrivals.delete(name)
      }
    })
    return this.#found(known === undefined || isSameContent(known, facts) ? 'new' : 'changed', facts)
  }
}

export function broughtUrls(components: BroughtUrlsComponents, init: BroughtUrlsInit): BroughtUrls {
  return new Brought(components, init)
}

/** Where no rule names any URL. */
export const noUrls: Pick<BroughtUrls, 'ask' | 'coming'> = {
  ask: () => Promise.reject(appError('URL_NOT_NAMED')),
  coming() {
    throw appError('URL_NOT_NAMED')
  },
}
