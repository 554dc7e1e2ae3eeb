import type { Readable } from 'node:stream'
import {
  type AbortOptions,
  appError,
  type LinearPattern,
  lifecycle,
  linearPattern,
  type Startable,
} from '../../base/index.ts'
import { type ByteRange, glob, type WebUrl } from '../../core/index.ts'
import type { HttpClient, HttpClientComponents } from '../../http/index.ts'
import { type Governor, type GovernorComponents, governor } from '../governor.ts'
import { outcomeByStatus } from '../outcomes.ts'
import { objectFrom, rangeHeader } from '../web/object-answer.ts'
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
  /** A part of what is known. @throws URL_CHANGED when other content is there */
  read(url: WebUrl, range: ByteRange, options: AbortOptions & { readonly known: UrlFacts }): Promise<Readable>
}

interface Way {
  readonly rule: UrlRule
  readonly path: LinearPattern
  readonly host: ReturnType<typeof glob>
  readonly http: HttpClient
  readonly governor: Governor
}

export type UrlsComponents = HttpClientComponents & GovernorComponents

export function openUrls(components: UrlsComponents, rules: readonly UrlRule[]): Urls {
  const ways: readonly Way[] = rules.map((rule) => ({
    ...{ rule, host: glob(rule.host), path: linearPattern(rule.path) },
    ...{ http: urlHttp(components, rule), governor: governor(components, rule.limits) },
  }))
  const wayOf = (url: WebUrl): Way | undefined => {
    const { hostname, pathname } = new URL(url)
    return ways.find(({ host, path }) => host.test(hostname) && path.fits(pathname))
  }
  const ask = async (url: WebUrl, headers: Readonly<Record<string, string>>, { signal }: AbortOptions) => {
    const way = wayOf(url)
    if (way === undefined) throw appError('URL_NOT_NAMED')
    const sent = { 'accept-encoding': 'identity', ...headers }
    const get = async (limit: AbortSignal) => {
      const answer = await sendWeb(way.http, { method: 'GET', url, headers: sent, signal: limit })
      if ([200, 206, 304].includes(answer.status)) return answer
      if (outcomeByStatus[answer.status]?.outcome !== 'absence') throw await refusalOf(answer, components.clock)
      await answer.discard()
      throw appError('URL_UNKNOWN')
    }
    return { way, answer: await way.governor.request('read', get, { signal }) }
  }

  return {
    ...lifecycle(ways.map(({ http }) => http)),
    names: (url) => wayOf(url) !== undefined,
    async open(url, { known, signal }) {
      const { way, answer } = await ask(url, unlessSame(known), { signal })
      if (known !== undefined && (answer.status === 304 || isSameContent(factsOf(answer), known))) {
        answer.body.destroy()
        return undefined
      }
      const facts = factsOf(answer)
      const { body } = objectFrom(answer, { etag: '', governor: way.governor, signal })
      return { facts, body }
    },
    async read(url, range, { known, signal }) {
      const { way, answer } = await ask(url, rangeHeader(range), { signal })
      if (!isSameContent(factsOf(answer), known)) {
        answer.body.destroy()
        throw appError('URL_CHANGED')
      }
      return objectFrom(answer, { etag: '', range, governor: way.governor, signal }).body
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
