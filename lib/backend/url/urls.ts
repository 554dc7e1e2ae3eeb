import type { Readable } from 'node:stream'
import {
  type AbortOptions,
  appError,
  type LinearPattern,
  lifecycle,
  linearPattern,
  type Startable,
  starPattern,
} from '../../base/index.ts'
import type { ByteRange, WebUrl } from '../../core/index.ts'
import type { HttpClient, HttpClientComponents } from '../../http/index.ts'
import type { ObjectRead, ObjectStat, ReadObjectOptions } from '../backend.ts'
import { type Governor, type GovernorComponents, governor } from '../governor.ts'
import { outcomeByStatus } from '../outcomes.ts'
import { objectFrom } from '../web/object-answer.ts'
import { hasVersion, rangedWeb } from '../web/ranged-web.ts'
import { refusalOf, sendWeb, type WebAnswer } from '../web/web-client.ts'
import type { UrlRule } from './config.ts'
import { isSameContent, type UrlFacts, unlessSame, urlFacts } from './url-facts.ts'
import { urlHttp } from './url-http.ts'

/** What lies under a URL, as it comes. */
export interface UrlContent {
  readonly facts: UrlFacts
  /** Must be consumed or destroyed. Fails where it is cut short. */
  readonly body: Readable
}

/**
 * The web, as far as rules name it.
 * @throws (of what reads) URL_NOT_NAMED, URL_UNKNOWN, URL_NOT_SHARED (the answer is not for everybody), and what a backend fails
 *   with
 */
export interface Urls extends Startable {
  /** Whether a rule names the URL. */
  names(url: WebUrl): boolean
  /** Asks for all of it; undefined when it is still what is known. */
  open(url: WebUrl, options: AbortOptions & { readonly known: UrlFacts | undefined }): Promise<UrlContent | undefined>
  /** In which units what is known can be read that is about to be read. */
  begin(url: WebUrl, known: UrlFacts): Pick<ObjectStat, 'unitBytes' | 'runBytes' | 'isUnproven'>
  /** A part of what is known. @throws URL_CHANGED when other content is there */
  read(url: WebUrl, range: ByteRange, options: UrlReadOptions): Promise<Pick<ObjectRead, 'body' | 'isWhole'>>
}

export interface UrlReadOptions extends Pick<ReadObjectOptions, 'signal' | 'urgency' | 'orWhole'> {
  readonly known: UrlFacts
}

interface Way {
  readonly rule: UrlRule
  readonly path: LinearPattern
  readonly host: LinearPattern
  readonly http: HttpClient
  readonly governor: Governor
}

export type UrlsComponents = HttpClientComponents & GovernorComponents

export function openUrls(components: UrlsComponents, rules: readonly UrlRule[]): Urls {
  const ways: readonly Way[] = rules.map((rule) => ({
    ...{ rule, host: starPattern(rule.host), path: linearPattern(rule.path) },
    ...{ http: urlHttp(components, rule), governor: governor(components, rule.limits) },
  }))
  const wayOf = (url: WebUrl): Way | undefined => {
    const { hostname, pathname } = new URL(url)
    return ways.find(({ host, path }) => host.fits(hostname) && path.fits(pathname))
  }
  const web = rangedWeb(components.clock)
  const objectAt = (url: WebUrl) => ({ id: url, host: new URL(url).host })
  const named = (url: WebUrl): Way => {
    const way = wayOf(url)
    if (way === undefined) throw appError('URL_NOT_NAMED')
    return way
  }
  const send = ({ http }: Way, url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal) =>
    sendWeb(http, { method: 'GET', url, headers: { 'accept-encoding': 'identity', ...headers }, signal })
  const found = async (answer: WebAnswer) => {
    if ([200, 206, 304].includes(answer.status)) return answer
    if (outcomeByStatus[answer.status]?.outcome !== 'absence') throw await refusalOf(answer, components.clock)
    await answer.discard()
    throw appError('URL_UNKNOWN')
  }

  return {
    ...lifecycle(ways.map(({ http }) => http)),
    names: (url) => wayOf(url) !== undefined,
    async open(url, { known, signal }) {
      const way = named(url)
      const get = async (limit: AbortSignal) => found(await send(way, url, unlessSame(known), limit))
      const answer = await way.governor.request('read', get, { signal })
      web.forget(objectAt(url))
      if (known !== undefined && (answer.status === 304 || isSameContent(factsOf(answer), known))) {
        answer.body.destroy()
        return undefined
      }
      const facts = factsOf(answer)
      const { body } = objectFrom(answer, { etag: '', governor: way.governor, signal })
      return { facts, body }
    },
    begin: (url, known) => (hasVersion(known) ? web.begin(objectAt(url)) : {}),
    async read(url, range, { known, ...options }) {
      const way = named(url)
      const get = (limit: AbortSignal) =>
        web.get(objectAt(url), range, {
          usual: async (headers) => found(await send(way, url, headers, limit)),
          there: (place, headers) => send(way, place, headers, limit),
        })
      const answer = await way.governor.request('read', get, options)
      if (answer === undefined) throw appError('URL_UNKNOWN')
      if (!isSameContent(factsOf(answer), known)) {
        answer.body.destroy()
        throw appError('URL_CHANGED')
      }
      return objectFrom(answer, { ...options, etag: '', range, governor: way.governor })
    },
  }
}

function factsOf(answer: WebAnswer): UrlFacts {
  try {
    return urlFacts(answer)
  } catch (err) {
    answer.body.destroy()
    throw err
  }
}
