import { type AppError, hasCode, isAbort, toAppError } from '../../../lib/base/index.ts'
import { blobRefKey } from '../../../lib/core/index.ts'
import { type Exchange, type Route, readJson, sendEmpty, sendJson } from '../../../lib/http/index.ts'
import {
  NOTIFICATION_TYPE,
  type PrefetchRequest,
  prefetchBegun,
  prefetchedImage,
  prefetchFailed,
  prefetchRequest,
  pushedImages,
} from '../../../lib/kraken/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import { type FindBlobsComponents, pushedBlobs, taggedBlobs } from './find-blobs.ts'
import type { Preloader } from './preload.ts'
import type { Warmer, WarmImage } from './warmer.ts'

/** Most bytes of a notification. */
const MAX_NOTIFICATION = 1024 * 1024
/** Most bytes of a prefetch. */
const MAX_PREFETCH = 16 * 1024

export interface ProxyKrakenComponents extends FindBlobsComponents {
  readonly warmer: Pick<Warmer, 'warm'>
  /** Has hosts fetch a pushed image; undefined when that is not wanted. */
  readonly preload: Pick<Preloader, 'order'> | undefined
  readonly logger: Logger
}

/** Kraken's own paths of a proxy, besides its probes: an image is brought to the origins before anybody pulls it. */
export function proxyKrakenRoutes(components: ProxyKrakenComponents): readonly Route[] {
  const { warmer, preload, logger } = components
  const notified = async (exchange: Exchange) => {
    const body = await readJson(exchange, MAX_NOTIFICATION, { jsonTypes: [NOTIFICATION_TYPE] })
    const { manifests, malformed } = pushedImages(body)
    if (malformed > 0) logger.warn('a notification names manifests that cannot be', { malformed })
    const different = new Map(manifests.map((manifest) => [blobRefKey(manifest), manifest]))
    warmer.warm(
      ...[...different.values()].map(
        (image): WarmImage => ({
          find: (options) => pushedBlobs(components, image, options),
          ...(preload !== undefined && { after: (options) => preload.order(image, options) }),
        }),
      ),
    )
    sendEmpty(exchange, 200)
  }

  const begin = async (asked: PrefetchRequest, { signal }: Exchange) => {
    const blobs = await taggedBlobs(components, prefetchedImage(asked), { signal })
    warmer.warm({ find: () => Promise.resolve(blobs) })
  }
  /** Answers as Kraken does; it says what was wrong with the request in its own words. */
  const fail = (exchange: Exchange, err: AppError, traceId: string) => {
    const status = hasCode(err, 'BODY_INVALID', 'TAG_INVALID', 'NAME_INVALID') ? 400 : 500
    if (status === 500) logger.warn('failed to prefetch an image', { err })
    sendJson(exchange, status, prefetchFailed(status, err, traceId))
  }
  const prefetch = async (exchange: Exchange) => {
    let asked: PrefetchRequest
    try {
      asked = prefetchRequest(await readJson(exchange, MAX_PREFETCH))
    } catch (err) {
      if (!hasCode(err, 'BODY_INVALID')) throw err
      fail(exchange, toAppError(err), '')
      return
    }
    try {
      await begin(asked, exchange)
      sendJson(exchange, 200, prefetchBegun(asked))
    } catch (err) {
      if (isAbort(err)) throw err
      fail(exchange, toAppError(err), asked.traceId)
    }
  }

  const post = (path: string, summary: string, handle: Route['handle']): Route => ({
    ...{ methods: ['POST'], right: 'read', path, summary, handle },
  })
  // Who may have all hosts fetch something must be more than a reader.
  const right = preload === undefined ? 'read' : 'write'
  return [
    { ...post('/registry/notifications', 'brings pushed images to the origins', notified), right },
    post('/proxy/v1/registry/prefetch', 'the same as v2', prefetch),
    post('/proxy/v2/registry/prefetch', 'brings an image to the origins', prefetch),
  ]
}
