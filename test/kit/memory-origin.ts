import { Readable } from 'node:stream'
import { OFFSET_HEADER, originRoutes } from '../../lib/api/index.ts'
import { appError, seededRandom, systemClock } from '../../lib/base/index.ts'
import { type Digest, digestAlgorithm, digestOf, parseDigest, wholeRange } from '../../lib/core/index.ts'
import {
  contentRange,
  type Exchange,
  httpServer,
  parseRange,
  type Route,
  sendEmpty,
  sendJson,
  sendStream,
} from '../../lib/http/index.ts'
import { secretAuthenticator } from '../../lib/identity/index.ts'
import { silentLogger, silentMetrics } from '../../lib/telemetry/index.ts'

/** The backend behind several memory origins. */
export type SharedBlobs = Map<Digest, Uint8Array>

export interface MemoryOrigin extends AsyncDisposable {
  readonly id: string
  readonly url: string
  /** Bytes received by each open upload. */
  readonly uploads: ReadonlyMap<string, { readonly size: number }>
  /** Cuts every connection at once, and refuses new ones. */
  kill(): Promise<void>
}

interface MemoryUpload {
  readonly chunks: Uint8Array[]
  size: number
}

export interface MemoryOriginInit {
  readonly id: string
  readonly blobs: SharedBlobs
  /** Called before a blob is sent; may replace the stream, wait, or throw. */
  readonly onRead?: (body: Readable) => Readable | Promise<Readable>
  /** Awaited before the body of an upload is read. */
  readonly onAppend?: () => void | Promise<void>
}

/** The HTTP API of an origin without disk, swarm or ring; clients of origins are tested against it. */
export async function memoryOrigin(init: MemoryOriginInit): Promise<MemoryOrigin> {
  const uploads = new Map<string, MemoryUpload>()
  const components = {
    logger: silentLogger(),
    metrics: silentMetrics(),
    clock: systemClock(),
    random: seededRandom(1),
    authenticate: secretAuthenticator(),
  }
  const routes = [...blobRoutes(init), ...uploadRoutes(init, uploads)]
  const bind = { host: '127.0.0.1', port: 0 }
  const server = httpServer(components, { name: 'origin', bind, routes, drainMs: 0 })
  await server.start()
  const kill = () => server.stop()
  return { id: init.id, url: server.url, uploads, kill, [Symbol.asyncDispose]: kill }
}

const param = ({ params }: Exchange, name: string) => params[name] ?? ''

function blobRoutes({ blobs, onRead }: MemoryOriginInit): Route[] {
  const get: Route['handle'] = async (exchange) => {
    const digest = parseDigest(param(exchange, 'digest'))
    const bytes = blobs.get(digest)
    if (bytes === undefined) throw appError('BLOB_UNKNOWN')
    const size = bytes.byteLength
    const asked = parseRange(exchange.req.headers.range, size)
    if (asked.kind === 'unsatisfiable') throw appError('RANGE_UNSATISFIABLE')
    const range = asked.kind === 'single' ? asked.range : wholeRange(size)
    const part = asked.kind === 'single' && { 'content-range': contentRange(range, size) }
    const headers = { 'content-length': range.end - range.start, ...part }
    const plain = Readable.from(chunksOf(bytes.subarray(range.start, range.end)))
    const body = exchange.method === 'GET' && onRead !== undefined ? await onRead(plain) : plain
    await sendStream(exchange, { status: part === false ? 200 : 206, headers, body })
  }
  return [{ methods: ['GET', 'HEAD'], path: originRoutes.blob, right: 'read', summary: '', handle: get }]
}

function chunksOf(bytes: Uint8Array): Uint8Array[] {
  const size = 64 * 1024
  return Array.from({ length: Math.ceil(bytes.byteLength / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size))
}

function uploadRoutes({ id: member, blobs, onAppend }: MemoryOriginInit, uploads: Map<string, MemoryUpload>): Route[] {
  let opened = 0
  const find = (exchange: Exchange) => {
    const id = param(exchange, 'id')
    const upload = uploads.get(id)
    if (upload === undefined) throw appError('BLOB_UPLOAD_UNKNOWN')
    return { id, upload }
  }
  const open: Route['handle'] = (exchange) => {
    opened += 1
    const id = `${member}-${opened}`
    uploads.set(id, { chunks: [], size: 0 })
    sendJson(exchange, 201, { id, member, size: 0 })
  }
  const append: Route['handle'] = async (exchange) => {
    const { id, upload } = find(exchange)
    if (Number(exchange.req.headers[OFFSET_HEADER]) !== upload.size) throw appError('UPLOAD_OFFSET')
    await onAppend?.()
    for await (const chunk of exchange.req as AsyncIterable<Uint8Array>) {
      upload.chunks.push(chunk)
      upload.size += chunk.byteLength
    }
    sendJson(exchange, 200, { id, member, size: upload.size })
  }
  const status: Route['handle'] = (exchange) => {
    const { id, upload } = find(exchange)
    sendJson(exchange, 200, { id, member, size: upload.size })
  }
  const commit: Route['handle'] = async (exchange) => {
    const { id, upload } = find(exchange)
    const bytes = Buffer.concat(upload.chunks)
    const digest = parseDigest(exchange.query.get('digest') ?? '')
    if (digestOf(bytes, digestAlgorithm(digest)) !== digest) throw appError('DIGEST_INVALID')
    blobs.set(digest, bytes)
    uploads.delete(id)
    sendJson(exchange, 201, { digest, size: bytes.byteLength })
  }
  const cancel: Route['handle'] = (exchange) => {
    uploads.delete(find(exchange).id)
    sendEmpty(exchange, 204)
  }
  const row = (methods: Route['methods'], path: string, handle: Route['handle']): Route => ({
    ...{ methods, path, handle },
    right: 'write',
    summary: '',
  })
  return [
    row(['POST'], originRoutes.uploads, open),
    row(['GET'], originRoutes.upload, status),
    row(['PATCH'], originRoutes.upload, append),
    row(['PUT'], originRoutes.upload, commit),
    row(['DELETE'], originRoutes.upload, cancel),
  ]
}
