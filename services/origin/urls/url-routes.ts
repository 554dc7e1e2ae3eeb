import { parseBody, urlAskedSchema, urlRoutes } from '../../../lib/api/index.ts'
import { tagOfUrl } from '../../../lib/backend/index.ts'
import type { AbortOptions, Clock, TokenBucket } from '../../../lib/base/index.ts'
import { type ByteRange, type PullClass, parseWebUrl } from '../../../lib/core/index.ts'
import { inTouch, type RequestRate, type Route, readJson, sendContent, sendJson } from '../../../lib/http/index.ts'
import { pacedStream } from '../paced-stream.ts'
import type { BroughtUrls } from './urls.ts'

/** Most bytes of a body: one URL. */
const MAX_BODY_BYTES = 16 * 1024

export interface UrlRoutesComponents {
  readonly urls: Pick<BroughtUrls, 'ask' | 'coming'>
  readonly clock: Clock
  /** How often each caller may ask. */
  readonly demands: RequestRate
  /** The share in this node's upload rate that content of such a size gets. */
  readonly pace: (sizeBytes: number, pullClass?: PullClass) => TokenBucket
  readonly onSent: (to: 'client' | 'replica', bytes: number) => void
}

/** What lies under URLs: what it is, and its bytes while they come. */
export function urlServerRoutes({ urls, clock, demands, pace, onSent }: UrlRoutesComponents): readonly Route[] {
  return [
    {
      ...{ methods: ['POST'], path: urlRoutes.urls, right: 'announce', summary: 'what a URL stands for' },
      async handle(exchange) {
        const { req, signal } = exchange
        demands.count(req)
        const { url } = parseBody(urlAskedSchema, await readJson(exchange, MAX_BODY_BYTES))
        sendJson(exchange, 200, await inTouch(clock, exchange, urls.ask(url, { signal })))
      },
    },
    {
      ...{ methods: ['GET'], path: urlRoutes.content, right: 'announce', summary: 'the content of a URL that comes' },
      async handle(exchange) {
        const arrival = urls.coming(parseWebUrl(exchange.query.get('url') ?? ''))
        const { facts } = arrival
        const content = {
          ...{ tag: tagOfUrl(facts), size: facts.size, mediaType: facts.mediaType ?? 'application/octet-stream' },
          open: async (range: ByteRange, options: AbortOptions) =>
            pacedStream(arrival.read(range, options), pace(facts.size), options),
        }
        await sendContent(exchange, content, { onBytes: (bytes) => onSent('client', bytes) })
      },
    },
  ]
}
