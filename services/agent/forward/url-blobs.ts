import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { AskedUrl, UrlCluster } from '../../../lib/api/index.ts'
import { tagOfUrl } from '../../../lib/backend/index.ts'
import { appError, hasCode, linearPattern, starPattern } from '../../../lib/base/index.ts'
import {
  type Digest,
  digestHex,
  type PullTerms,
  parseWebUrl,
  rangeLength,
  urlRepository,
  type WebUrl,
} from '../../../lib/core/index.ts'
import { type Content, type Exchange, type RequestRate, type Route, sendContent } from '../../../lib/http/index.ts'
import type { ReadManner } from '../../../lib/registry/index.ts'
import type { PullRules } from '../pull-rules/index.ts'
import type { Pulls } from '../pulls.ts'
import type { ForwardRule } from './config.ts'

export interface UrlBlobsComponents {
  readonly urls: UrlCluster
  readonly pulls: Pick<Pulls, 'find'>
  readonly onSent: (bytes: number) => void
  readonly rules: Pick<PullRules, 'admit'>
  /** How a request reads a blob. */
  readonly mannerOf: (req: Pick<IncomingMessage, 'headers'>) => ReadManner
}

type Asking = Pick<Exchange, 'method' | 'req' | 'res' | 'signal' | 'principal'>

/** Answers a GET of a URL with a blob of the cluster. */
export interface UrlBlobs {
  /**
   * @throws as long as nothing was answered: PULL_BLOCKED, URL_NOT_NAMED, URL_NOT_SHARED, URL_UNKNOWN, what the cluster or the web server fails
   *   with
   */
  send(exchange: Asking, url: WebUrl): Promise<void>
}

/** What lies under the URL is a blob of the cluster. */
interface KnownUrl extends AskedUrl {
  readonly digest: Digest
  readonly terms: PullTerms
}

/** What is asked of a web server with these is for one client, or for the server itself. */
const PERSONAL: readonly string[] = ['authorization', 'cookie']

/** Whether a request may be answered with what others get, too. */
export function isForEverybody({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): boolean {
  if (method !== 'GET' || PERSONAL.some((name) => headers[name] !== undefined)) return false
  return !/\bno-(?:cache|store)\b/i.test(`${headers['cache-control'] ?? ''},${headers.pragma ?? ''}`)
}

export function urlBlobs({ urls, pulls, onSent, rules, mannerOf }: UrlBlobsComponents): UrlBlobs {
  const contentOf = (asked: AskedUrl, url: WebUrl): Omit<Content, 'open'> => ({
    tag: tagOfUrl(asked),
    size: asked.size,
    mediaType: asked.mediaType ?? 'application/octet-stream',
    headers: { 'last-modified': asked.lastModified, 'content-location': url, ...digestHeader(asked.digest) },
  })

  const sendComing = (exchange: Asking, url: WebUrl, asked: AskedUrl) => {
    const content = contentOf(asked, url)
    const { tag } = content
    const open: Content['open'] = async (range, options) =>
      rangeLength(range) === 0 ? Readable.from([]) : urls.readComing(asked.member, url, { ...options, range, tag })
    return sendContent(exchange, { ...content, open }, { onBytes: onSent })
  }

  const sendKnown = async (exchange: Asking, url: WebUrl, asked: KnownUrl) => {
    const { signal, req } = exchange
    const { digest, terms } = asked
    const blob = { repository: urlRepository(url), digest }
    const pull = await pulls.find(blob, { signal, kind: 'tool', proven: true, terms })
    try {
      const open: Content['open'] = (range, options) =>
        pull.open(range, { ...options, ...mannerOf(req), transient: true })
      await sendContent(exchange, { ...contentOf(asked, url), open }, { onBytes: onSent })
    } finally {
      pull.close()
    }
  }

  return {
    async send(exchange, url) {
      const terms = rules.admit(exchange, { repository: urlRepository(url), url: withoutQuery(url) })
      for (let tries = 0; ; tries += 1) {
        const asked = await urls.ask(url, { signal: exchange.signal })
        const { digest } = asked
        try {
          if (digest === undefined) await sendComing(exchange, url, asked)
          else await sendKnown(exchange, url, { ...asked, digest, terms })
          return
        } catch (err) {
          // What came has come meanwhile, or is another one.
          if (tries > 0 || exchange.res.headersSent || !hasCode(err, 'URL_CHANGED')) throw err
        }
      }
    },
  }
}

/** What a rule looks at of a URL. */
function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/, '')
}

/** RFC 9530. */
function digestHeader(digest: Digest | undefined): Record<string, string> {
  if (digest?.startsWith('sha256:') !== true) return {}
  return { 'repr-digest': `sha-256=:${Buffer.from(digestHex(digest), 'hex').toString('base64')}:` }
}

export interface UrlRouteComponents {
  readonly blobs: UrlBlobs
  readonly rate: Pick<RequestRate, 'count'>
}

/** `/urls?url=`: what lies under a URL that a rule makes a blob, for tools that would ask for it by name; `shoal get` does. */
export function urlRoute({ blobs, rate }: UrlRouteComponents, rules: readonly ForwardRule[]): Route {
  const named = rules.map(({ host, path, as }) => ({ host: starPattern(host), path: linearPattern(path), as }))
  return {
    ...{
      methods: ['GET'],
      path: '/urls',
      right: 'read',
      summary: 'what lies under a URL that a rule names, with ranges',
    },
    async handle(exchange) {
      rate.count(exchange.req)
      const url = parseWebUrl(exchange.query.get('url') ?? '')
      const { hostname, pathname } = new URL(url)
      const rule = named.find(({ host, path }) => host.fits(hostname) && path.fits(pathname))
      if (rule?.as !== 'blob') throw appError('URL_NOT_NAMED')
      await blobs.send(exchange, url)
    },
  }
}
