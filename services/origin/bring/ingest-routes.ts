import { adminBody, adminRoute, type BroughtAnswer, originAdmin, type UrlAnswer } from '../../../lib/api/index.ts'
import { type AbortOptions, abortController, anySignal, type Clock, throwIfAborted } from '../../../lib/base/index.ts'
import { type BlobRef, parseDigest, parseRepository, type WebUrl } from '../../../lib/core/index.ts'
import { type Exchange, pageRequest, type Route, sendJson } from '../../../lib/http/index.ts'
import type { Ingest, IngestInspection } from './ingest-contract.ts'

/** Blobs on one page of the list. */
const PAGE = 1000

/** An answer waits so long for the end of what it tells of. */
const WAIT_MS = 4_000

export interface IngestRoutesComponents {
  readonly ingests: IngestInspection & Pick<Ingest, 'ensure'>
  /** What a URL stands for; what nobody has seen yet is brought. */
  readonly urls: { readonly ask: (url: WebUrl, options: AbortOptions) => Promise<UrlAnswer> }
  readonly clock: Pick<Clock, 'sleep'>
}

/** Wants the blob for a while: it is brought to its end as long as somebody asks again before `ingest.idle` is over. */
async function bringFor(
  { ingests, clock }: Pick<IngestRoutesComponents, 'ingests' | 'clock'>,
  blob: BlobRef,
  { signal }: Pick<Exchange, 'signal'>,
): Promise<BroughtAnswer> {
  const over = abortController()
  const whole = ingests.ensure(blob, { hop: false, signal: anySignal([signal, over.signal]) })
  const time = clock.sleep(WAIT_MS, { signal: anySignal([signal, over.signal]) }).then(
    () => undefined,
    () => undefined,
  )
  try {
    const stored = await Promise.race([whole, time])
    throwIfAborted(signal)
    if (stored !== undefined) return { whole: true, size: stored.size, heldBytes: stored.size }
    const run = ingests.underWay().find(({ digest }) => digest === blob.digest)
    return { whole: false, heldBytes: run?.heldBytes ?? 0, ...(run?.size !== undefined && { size: run.size }) }
  } finally {
    over.abort()
    whole.catch(() => undefined)
  }
}

/** Admin routes: the blobs that this origin is bringing, and what brings one. */
export function ingestRoutes(components: IngestRoutesComponents): readonly Route[] {
  const { ingests, urls } = components
  const bring = async (exchange: Exchange) => {
    const digest = parseDigest(exchange.params['digest'] ?? '')
    const repository = parseRepository(exchange.query.get('repository') ?? '')
    sendJson(exchange, 200, await bringFor(components, { repository, digest }, exchange))
  }
  const bringUrl = async (exchange: Exchange) => {
    const { url } = await adminBody(originAdmin.bringUrl, exchange)
    sendJson(exchange, 200, await urls.ask(url, { signal: exchange.signal }))
  }
  const list = (exchange: Exchange) => {
    const { count, last = '' } = pageRequest(exchange.query, { max: PAGE, least: 1 })
    const rest = ingests
      .underWay()
      .filter(({ id }) => id > last)
      .sort((a, b) => (a.id < b.id ? -1 : 1))
    const page = rest.slice(0, count)
    const next = page.length < rest.length ? { next: page.at(-1)?.id } : {}
    sendJson(exchange, 200, { ingests: page, ...next })
  }
  return [
    adminRoute(originAdmin.bring, bring),
    adminRoute(originAdmin.bringUrl, bringUrl),
    adminRoute(originAdmin.ingests, list),
  ]
}
