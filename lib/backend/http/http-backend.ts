import { Readable } from 'node:stream'
import { type AbortOptions, appError, throwIfAborted } from '../../base/index.ts'
import type { Repository } from '../../core/index.ts'
import { admittedFrom, type HttpClient, type HttpClientComponents, httpClient } from '../../http/index.ts'
import type { Backend, ObjectRead, ObjectStat, StatOptions } from '../backend.ts'
import { PROBED_KEY } from '../backend-probe.ts'
import type { Backends } from '../backends.ts'
import type { Governor } from '../governor.ts'
import { rangeWithin } from '../object-range.ts'
import { outcomeByStatus } from '../outcomes.ts'
import { owningSource } from '../receive.ts'
import { objectFrom, sizeOf } from '../web/object-answer.ts'
import { hasVersion, type RangedWeb, rangedWeb, versionOf } from '../web/ranged-web.ts'
import { refusalOf, sendWeb, type WebAnswer, type WebRequest } from '../web/web-client.ts'
import type { HttpConfig } from './config.ts'
import { urlTemplate } from './url-template.ts'

export interface HttpBackendComponents extends HttpClientComponents {
  readonly governor: Governor
}

/** The probe asks for this key where keys are digests: no content has it. */
const NO_CONTENT = `blobs/sha256/00/${'0'.repeat(64)}`

/** Files of a web server, with a view for each repository; read-only, and it cannot list. */
export function httpBackend(components: HttpBackendComponents, init: HttpConfig): Backends {
  const http = httpClient(components, { caFile: init.ca, admits: admittedFrom(new URL(init.url)) })
  const web = rangedWeb(components.clock)
  return {
    start: () => http.start(),
    stop: () => http.stop(),
    backendFor: (repository) => viewOf({ ...components, http, web }, init, repository),
  }
}

type Parts = HttpBackendComponents & { readonly http: HttpClient; readonly web: RangedWeb }

const objectAt = (url: string) => ({ id: url, host: new URL(url).host })

function viewOf(parts: Parts, init: HttpConfig, repository: Repository): Backend {
  const template = urlTemplate(init.url, repository)
  const urlOf = (key: string) => template.urlOf(key === PROBED_KEY && !init.url.includes('{key}') ? NO_CONTENT : key)
  const ask = asker(parts, init.headers)
  const own = new URL(init.url).origin
  /** What is sent to the host of the config goes nowhere else, also when a redirect led there before. */
  const there = (url: string, headers: WebRequest['headers'], signal: AbortSignal) =>
    sendWeb(parts.http, {
      ...{ method: 'GET', url, headers: headers ?? {}, signal },
      ...(new URL(url).origin === own && { credentials: init.headers }),
    })

  const stat = async (key: string, options: StatOptions = {}): Promise<ObjectStat | undefined> => {
    const url = urlOf(key)
    throwIfAborted(options.signal)
    const found = await parts.governor.request('stat', (signal) => statOf(ask, url, signal), options)
    if (found?.isRanged !== true || options.thenRead !== true) return found?.stat
    return { ...found.stat, ...parts.web.begin(objectAt(url)) }
  }

  const empty = async (key: string, at: number, options: AbortOptions): Promise<ObjectRead | undefined> => {
    const found = await stat(key, options)
    if (found === undefined) return undefined
    rangeWithin({ start: at, end: at }, found.size)
    return { ...found, body: Readable.from([]) }
  }

  return {
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    stat,
    async read(key, { range, ...options } = {}) {
      const url = urlOf(key)
      throwIfAborted(options.signal)
      if (range !== undefined) rangeWithin(range, Number.MAX_SAFE_INTEGER)
      if (range?.start === range?.end && range !== undefined) return empty(key, range.start, options)
      const get = (signal: AbortSignal) => {
        if (range === undefined) return ask({ method: 'GET', url, signal })
        return parts.web.get(objectAt(url), range, {
          usual: (headers) => ask({ method: 'GET', url, headers, signal }),
          there: (place, headers) => there(place, headers, signal),
        })
      }
      const answer = await parts.governor.request('read', get, options)
      return (
        answer &&
        objectFrom(answer, { ...options, range, etag: etagOf(answer, sizeOf(answer)), governor: parts.governor })
      )
    },
    write: (_key, source) => owningSource(source, () => Promise.reject(readOnly())),
    list: () => Promise.reject(unlisted()),
    delete: () => Promise.reject(readOnly()),
  }
}

/** Gives a successful answer, or undefined when the object does not exist; throws any other refusal. */
type Ask = (request: WebRequest, ...taken: readonly number[]) => Promise<WebAnswer | undefined>

function asker({ http, clock }: Parts, credentials: Readonly<Record<string, string>>): Ask {
  return async (request, ...taken) => {
    const answer = await sendWeb(http, { ...request, credentials })
    if (answer.status === 200 || answer.status === 206 || taken.includes(answer.status)) return answer
    if (outcomeByStatus[answer.status]?.outcome !== 'absence') throw await refusalOf(answer, clock)
    await answer.discard()
    return undefined
  }
}

interface Found {
  readonly stat: ObjectStat
  /** The server does not say that it ignores ranges, and other content would have another version. */
  readonly isRanged: boolean
}

/** Sends a HEAD. When the server does not support HEAD, or omits the length, sends a GET and does not read its body. */
async function statOf(ask: Ask, url: string, signal: AbortSignal): Promise<Found | undefined> {
  const head = await ask({ method: 'HEAD', url, signal }, 405, 501)
  if (head === undefined) return undefined
  await head.discard()
  const answer = head.status === 200 && sizeOf(head) !== undefined ? head : await ask({ method: 'GET', url, signal })
  answer?.body.destroy()
  if (answer === undefined) return undefined
  const size = sizeOf(answer)
  if (size === undefined) throw appError('BACKEND_UNAVAILABLE', { message: 'the backend does not give the length' })
  const { 'accept-ranges': ranges = '', etag, 'last-modified': lastModified } = answer.headers
  const mayBeRanged = !/^\s*none\s*$/i.test(ranges)
  return { stat: { size, etag: etagOf(answer, size) }, isRanged: mayBeRanged && hasVersion({ etag, lastModified }) }
}

/** Without ETag and Last-Modified, only the size shows a change. */
function etagOf({ headers }: WebAnswer, size: number | undefined): string {
  return versionOf({ headers }) ?? `size-${size ?? 0}`
}

function readOnly() {
  return appError('BACKEND_READ_ONLY', { message: 'the driver http is read-only; upload content by other means' })
}

function unlisted() {
  return appError('UNSUPPORTED', { message: 'the files of a web server cannot be listed' })
}
