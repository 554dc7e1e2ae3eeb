import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { type Clock, systemClock } from '../../../lib/base/index.ts'
import { type Faults, withFaults } from '../http-faults.ts'
import { keptAlive } from '../kept-alive.ts'
import { Bucket } from './bucket.ts'
import { listing, uploadListing } from './list.ts'
import { answerObjectRequest, type ObjectRequest } from './object-requests.ts'
import { checkSignature, type TosKey } from './signature.ts'
import { refusalBody, TosRefusal } from './tos-refusal.ts'

/** Requests whose conditions the server silently ignores, as an older server would. */
export type ConditionalOperation = 'put' | 'complete' | 'delete'

export interface TosServerInit {
  readonly region?: string
  readonly bucket?: string
  readonly keys?: Readonly<Record<string, TosKey>>
  readonly clock?: Pick<Clock, 'now'>
  /** Smallest size of all parts but the last; default 5 MiB. */
  readonly minPartBytes?: number
  /** The path is the key in the one bucket, as on a domain of the bucket's own. */
  readonly customDomain?: boolean
  readonly ignores?: readonly ConditionalOperation[]
}

/** An emulator of Volcano Engine TOS: native signature, JSON errors, one bucket in memory. */
export interface TosServer extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`; `kill` and `revive` do not change it. */
  readonly endpoint: string
  readonly region: string
  readonly bucketName: string
  readonly bucket: Bucket
  readonly faults: Faults
  /** Number of open connections. */
  readonly connections: number
  /** Keys by their access key id; a test may change the map at any time. */
  readonly keys: Map<string, TosKey>
  /** Cuts every connection and refuses new ones; the stored data stays. */
  kill(): Promise<void>
  revive(): Promise<void>
}

export const TOS_KEY_ID = 'AKLTemulator'
export const TOS_SECRET = 'c2VjcmV0LW9mLXRoZS1lbXVsYXRvcg=='

export async function tosServer(init: TosServerInit = {}): Promise<TosServer> {
  const { region = 'cn-beijing', bucket: bucketName = 'shoal-blobs', clock = systemClock() } = init
  const keys = new Map(Object.entries(init.keys ?? { [TOS_KEY_ID]: { secretAccessKey: TOS_SECRET } }))
  const bucket = new Bucket(init.minPartBytes ?? 5 * 1024 * 1024)
  let requestCount = 0

  const serve = async (req: IncomingMessage, res: ServerResponse) => {
    requestCount += 1
    const requestId = `request-${requestCount}`
    res.setHeader('x-tos-request-id', requestId)
    res.setHeader('x-tos-id-2', 'emulator')
    try {
      const payloadHash = checkSignature(req, { region, keys, nowMs: clock.now() })
      const request = await readRequest(req, { init, bucketName, payloadHash })
      if (request.key === '') answerBucketRequest(request, bucket, res)
      else answerObjectRequest(request, { bucket, nowMs: clock.now(), ignores: init.ignores ?? [] }, res)
    } catch (err) {
      answerError(req, res, { err, requestId })
    }
  }

  const { handler, faults } = withFaults((req, res) => {
    serve(req, res).catch(() => res.destroy())
  })
  const sockets = new Set<Socket>()
  const server = createServer(keptAlive, handler)
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await listen(server, 0)
  const { port } = server.address() as AddressInfo
  const kill = () => close(server)
  return {
    endpoint: `http://127.0.0.1:${port}`,
    region,
    bucketName,
    bucket,
    faults,
    get connections() {
      return sockets.size
    },
    keys,
    kill,
    revive: () => listen(server, port),
    [Symbol.asyncDispose]: kill,
  }
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
}

async function close(server: Server): Promise<void> {
  if (!server.listening) return
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
}

interface Reading {
  readonly init: TosServerInit
  readonly bucketName: string
  readonly payloadHash: string
}

async function readRequest(req: IncomingMessage, reading: Reading): Promise<ObjectRequest> {
  const url = new URL(req.url ?? '', 'http://host')
  const path = decodeURIComponent(url.pathname.slice(1))
  const slash = path.indexOf('/')
  const named = slash < 0 ? path : path.slice(0, slash)
  const isCustom = reading.init.customDomain === true
  const body = await buffer(req)
  if (!isCustom && named !== reading.bucketName) throw new TosRefusal(404, 'NoSuchBucket', 'The bucket does not exist.')
  checkBody(req, body, reading.payloadHash)
  const key = isCustom ? path : path.slice(named.length + 1)
  if (Buffer.byteLength(key) > 1024) throw new TosRefusal(400, 'InvalidKey', 'a key has 1024 bytes at most')
  return { method: req.method ?? '', key, query: url.searchParams, headers: req.headers, body }
}

function checkBody(req: IncomingMessage, body: Buffer, payloadHash: string): void {
  const md5 = req.headers['content-md5']
  if (md5 !== undefined && md5 !== createHash('md5').update(body).digest('base64')) {
    throw new TosRefusal(400, 'BadDigest', 'the Content-MD5 does not match the body')
  }
  const sha256 = createHash('sha256').update(body).digest('hex')
  if (payloadHash !== 'UNSIGNED-PAYLOAD' && payloadHash !== sha256) throw new TosRefusal(400, 'ContentSHA256Mismatch')
  const length = req.headers['content-length']
  if (length !== undefined && Number(length) !== body.length) throw new TosRefusal(400, 'IncompleteBody')
}

function answerBucketRequest({ method, query }: ObjectRequest, bucket: Bucket, res: ServerResponse): void {
  if (method === 'HEAD') res.end()
  else if (method !== 'GET') throw new TosRefusal(405, 'MethodNotAllowed')
  else answerJson(res, 200, query.has('uploads') ? uploadListing(bucket) : listing(bucket, query))
}

function answerError(
  req: IncomingMessage,
  res: ServerResponse,
  { err, requestId }: { readonly err: unknown; readonly requestId: string },
): void {
  const refusal = err instanceof TosRefusal ? err : new TosRefusal(500, 'InternalError', String(err))
  req.resume()
  if (req.method === 'HEAD') {
    res.writeHead(refusal.status).end()
    return
  }
  answerJson(res, refusal.status, refusalBody(refusal.code, refusal.message, requestId))
}

function answerJson(res: ServerResponse, status: number, value: unknown): void {
  const body = JSON.stringify(value)
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body)
}
