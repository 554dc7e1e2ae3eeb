import { MAX_TARGETS } from '../../../lib/api/index.ts'
import { isAppError } from '../../../lib/base/index.ts'
import { type Exchange, type Route, readJson, sendEmpty, sendText } from '../../../lib/http/index.ts'
import { NOTIFICATION_TYPE, type PushedManifest, pushedImages } from '../../../lib/kraken/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import { type GiveJob, imageOfUrl, imageText } from '../jobs/index.ts'
import { managerRoute } from '../managed.ts'

/** Most bytes of a notification. */
const MAX_NOTIFICATION = 1024 * 1024

export interface KrakenComponents {
  readonly give: GiveJob
  readonly logger: Logger
}

/** The image by the URL of its registry, or without one by its name here. */
function targetOf({ repository, digest, url }: PushedManifest, ownNames: readonly string[]): string {
  if (url === undefined) return imageText(repository, digest)
  try {
    return imageText(imageOfUrl(url, ownNames).repository, digest)
  } catch (err) {
    if (!isAppError(err)) throw err
    return imageText(repository, digest)
  }
}

/** Kraken's paths, as Harbor calls them: whoever tells of a push has the image brought to the origins. */
export function managerKrakenRoutes(
  { give, logger }: KrakenComponents,
  { ownNames }: { readonly ownNames: readonly string[] },
): readonly Route[] {
  const notified = async (exchange: Exchange) => {
    const body = await readJson(exchange, MAX_NOTIFICATION, { jsonTypes: [NOTIFICATION_TYPE] })
    const { manifests, malformed } = pushedImages(body)
    if (malformed > 0) logger.warn('a notification names manifests that cannot be', { malformed })
    const targets = [...new Set(manifests.map((each) => targetOf(each, ownNames)))]
    for (let at = 0; at < targets.length; at += MAX_TARGETS) {
      const spec = { kind: 'preheat', scope: 'single_origin', targets: targets.slice(at, at + MAX_TARGETS) } as const
      await give({ spec, actor: exchange.principal.name })
    }
    sendEmpty(exchange, 200)
  }
  const call = (method: 'GET' | 'POST', path: string, summary: string) => ({ method, path, summary })
  const post = call('POST', '/registry/notifications', 'brings pushed images to the origins')
  return [
    {
      ...{ methods: ['GET'], path: '/health', right: 'none', summary: '200 while the process runs' },
      handle: (exchange) => sendText(exchange, 200, 'OK'),
    },
    managerRoute(
      { ...post, needs: { resource: 'jobs', action: 'write' } } as Parameters<typeof managerRoute>[0],
      notified,
    ),
  ]
}
