import { CLIENT_HEADER, OFFSET_HEADER, originRoutes, repositoryOf } from '../../lib/api/index.ts'
import type { Backends } from '../../lib/backend/index.ts'
import { appError } from '../../lib/base/index.ts'
import { parseDigest } from '../../lib/core/index.ts'
import { clientOf, type Exchange, type Route, sendEmpty, sendJson } from '../../lib/http/index.ts'
import { may } from '../../lib/identity/index.ts'
import { type BlobRoutesComponents, blobRoutes } from './blob-routes.ts'
import { type DemandRoutesComponents, demandRoutes } from './demand-routes.ts'
import { type GarbageRoutesComponents, garbageServerRoutes } from './garbage/garbage-routes.ts'
import { type SendRoutesComponents, sendRoutes } from './push/send-routes.ts'
import type { UploadSessions, UploadState } from './push/upload-sessions.ts'
import { type TorrentRoutesComponents, torrentRoutes } from './torrents/torrent-routes.ts'
import { type UpstreamRoutesComponents, upstreamRoutes } from './upstream-routes.ts'
import { type UrlRoutesComponents, urlServerRoutes } from './urls/url-routes.ts'

export interface OriginRoutesComponents
  extends BlobRoutesComponents,
    DemandRoutesComponents,
    SendRoutesComponents,
    UpstreamRoutesComponents,
    UrlRoutesComponents,
    TorrentRoutesComponents {
  readonly garbage: GarbageRoutesComponents
  readonly uploads: UploadSessions
  readonly backends: Pick<Backends, 'backendFor'>
}

const idOf = ({ params }: Exchange): string => params['id'] ?? ''

const offsetOf = (exchange: Exchange): number => {
  const text = exchange.req.headers[OFFSET_HEADER]
  if (typeof text !== 'string' || !/^\d{1,15}$/.test(text)) {
    throw appError('BODY_INVALID', { message: `the header ${OFFSET_HEADER} must be a whole number of bytes` })
  }
  return Number(text)
}

/** Who uploads: a proxy names its client; any other caller is one itself, also when it names somebody. */
const uploaderOf = ({ req, principal }: Exchange): string => {
  const named = may(principal, 'write') ? req.headers[CLIENT_HEADER] : undefined
  return typeof named === 'string' && /^[\w.:/-]{1,64}$/.test(named) ? named : clientOf(req)
}

/** Upload sessions; all requests of a session go to the origin that opened it. */
function uploadRoutes({ uploads, backends }: OriginRoutesComponents, memberId: string): readonly Route[] {
  const answer = (exchange: Exchange, status: number, state: UploadState) =>
    sendJson(exchange, status, { ...state, member: memberId })

  const create = async (exchange: Exchange) => {
    // A blob that no backend will take is refused before its bytes are sent.
    backends.backendFor(repositoryOf(exchange))
    answer(exchange, 201, await uploads.create(uploaderOf(exchange)))
  }
  const status = async (exchange: Exchange) => answer(exchange, 200, await uploads.status(idOf(exchange)))
  const append = async (exchange: Exchange) => {
    const { req, body, signal } = exchange
    const offset = offsetOf(exchange)
    const total = { least: offset + Number(req.headers['content-length'] ?? 0) }
    answer(exchange, 200, await uploads.append(idOf(exchange), body, { offset, signal, total }))
  }
  const commit = async (exchange: Exchange) => {
    const blob = { digest: parseDigest(exchange.query.get('digest') ?? ''), repository: repositoryOf(exchange) }
    const { size } = await uploads.commit(idOf(exchange), blob, { signal: exchange.signal })
    sendJson(exchange, 201, { digest: blob.digest, size })
  }
  const cancel = async (exchange: Exchange) => {
    await uploads.cancel(idOf(exchange))
    sendEmpty(exchange, 204)
  }

  const { uploads: collection, upload } = originRoutes
  const routes: readonly Omit<Route, 'right'>[] = [
    { methods: ['POST'], path: collection, summary: 'opens an upload', handle: create },
    { methods: ['GET'], path: upload, summary: 'state of an upload', handle: status },
    { methods: ['PATCH'], path: upload, summary: 'appends the body', handle: append },
    { methods: ['PUT'], path: upload, summary: 'closes an upload', handle: commit },
    { methods: ['DELETE'], path: upload, summary: 'cancels an upload', handle: cancel },
  ]
  // Origins of other clusters send what is replicated.
  return routes.map((route) => underRepository({ ...route, right: 'write', orRight: 'replicate' }))
}

/** A session does not need its repository, but a malformed repository in the path is refused. */
function underRepository(route: Route): Route {
  return {
    ...route,
    handle(exchange) {
      repositoryOf(exchange)
      return route.handle(exchange)
    },
  }
}

/** The HTTP API of an origin. */
export function originServerRoutes(
  components: OriginRoutesComponents,
  init: { readonly memberId: string },
): readonly Route[] {
  return [
    ...blobRoutes(components),
    ...demandRoutes(components),
    ...uploadRoutes(components, init.memberId),
    ...sendRoutes(components),
    ...garbageServerRoutes(components),
    ...upstreamRoutes(components),
    ...torrentRoutes(components),
    ...urlServerRoutes(components),
  ]
}
