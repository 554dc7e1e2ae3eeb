import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Faults, withFaults } from '../http-faults.ts'
import { keptAlive } from '../kept-alive.ts'
import { memoryBucket } from './bucket.ts'
import { failureXml, S3Failure } from './failure.ts'
import {
  type ConditionalOperation,
  type OperationName,
  operationOf,
  operations,
  type S3Answer,
  type S3Request,
} from './operations.ts'
import { type S3Keys, verifySignature } from './signature.ts'
import { memoryUploads } from './uploads.ts'

export type { S3Keys } from './signature.ts'

export interface S3ServerOptions {
  /** Default `shoal-test`. */
  readonly bucket?: string
  /** Default `us-east-1`. */
  readonly region?: string
  /** Keys with all rights; more keys can be added later. */
  readonly keys?: readonly S3Keys[]
  /** Smallest size of all parts but the last; default 5 MiB, as in S3. */
  readonly minPartBytes?: number
  /** The clock of the server. */
  readonly nowMs?: () => number
  /** Requests whose conditions it silently ignores; default: none. */
  readonly ignores?: readonly ConditionalOperation[]
}

/** One request that was parsed and correctly signed. */
export interface ServedRequest {
  readonly operation: OperationName
  readonly key: string
  readonly range: string | undefined
  /** Undefined until the request is answered. */
  readonly status: number | undefined
}

/** A server of the S3 protocol with one bucket in memory; it refuses everything that S3 would refuse. */
export interface S3Server extends AsyncDisposable {
  readonly endpoint: string
  readonly port: number
  readonly bucket: string
  readonly region: string
  /** The first of the accepted keys. */
  readonly keys: S3Keys
  readonly faults: Faults
  /** Oldest first. */
  readonly served: readonly ServedRequest[]
  /** Number of requests of an operation, or only of those for `key`. */
  count(operation: OperationName, key?: string): number
  /** Bytes of objects passed to connections, or only those of `key`. */
  bytesGiven(key?: string): number
  /** Keys in ascending order. */
  objectKeys(): readonly string[]
  object(key: string): Uint8Array | undefined
  /** Keys of unfinished multipart uploads. */
  openUploads(): readonly string[]
  admit(keys: S3Keys): void
}

const CHUNK_BYTES = 64 * 1024
const DEFAULT_KEYS: S3Keys = { accessKeyId: 'AKIATESTTESTTEST', secretAccessKey: 'test/secret+key' }

export async function startS3Server(options: S3ServerOptions = {}): Promise<S3Server> {
  const { bucket: bucketName = 'shoal-test', region = 'us-east-1', minPartBytes = 5 * 1024 * 1024 } = options
  const { nowMs = () => Date.now(), keys: [first = DEFAULT_KEYS, ...others] = [] } = options
  const keys = new Map([first, ...others].map((pair) => [pair.accessKeyId, pair]))
  const parts = {
    bucket: memoryBucket(nowMs),
    uploads: memoryUploads({ minPartBytes }),
    ignores: new Set(options.ignores),
  }
  const served: { operation: OperationName; key: string; range: string | undefined; status: number | undefined }[] = []
  const given = new Map<string, number>()

  const answerTo = async (request: S3Request): Promise<S3Answer> => {
    verifySignature(request.req, { region, keysOf: (id) => keys.get(id), nowMs })
    if (request.bucketName !== bucketName) throw new S3Failure('NoSuchBucket', { BucketName: request.bucketName })
    const operation = operationOf(request)
    const entry = {
      operation,
      key: request.key,
      range: request.req.headers.range,
      status: undefined as number | undefined,
    }
    served.push(entry)
    try {
      const answer = await operations[operation](request, parts)
      entry.status = answer.status
      return answer
    } catch (err) {
      entry.status = err instanceof S3Failure ? err.status : 500
      throw err
    }
  }

  const serve = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const requestId = `request-${served.length}`
    res.setHeader('x-amz-request-id', requestId)
    res.setHeader('date', new Date(nowMs()).toUTCString())
    const request = requestOf(req, bucketName)
    try {
      const { status, headers = {}, body = '' } = await answerTo(request)
      res.writeHead(status, headers)
      if (typeof body === 'string') return void res.end(body)
      await send(body, res, (bytes) => given.set(request.key, (given.get(request.key) ?? 0) + bytes))
    } catch (err) {
      if (!(err instanceof S3Failure)) return void res.destroy()
      req.resume()
      const body = req.method === 'HEAD' ? '' : failureXml(err, requestId)
      res.writeHead(err.status, { 'content-type': 'application/xml' }).end(body)
    }
  }

  const { handler, faults } = withFaults((req, res) => void serve(req, res))
  const server = createServer({ ...keptAlive, requestTimeout: 0 }, handler)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  return {
    endpoint: `http://127.0.0.1:${port}`,
    port,
    bucket: bucketName,
    region,
    keys: first,
    faults,
    served,
    count: (operation, key) =>
      served.filter((entry) => entry.operation === operation && (key === undefined || entry.key === key)).length,
    bytesGiven: (key) =>
      key === undefined ? [...given.values()].reduce((sum, bytes) => sum + bytes, 0) : (given.get(key) ?? 0),
    objectKeys: () => [...parts.bucket.objects.keys()].sort(),
    object: (key) => parts.bucket.objects.get(key)?.bytes,
    openUploads: () => [...parts.uploads.open.values()].map(({ key }) => key),
    admit: (pair) => void keys.set(pair.accessKeyId, pair),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The bucket is in the host name (`bucket.host`) or is the first segment of the path. */
function requestOf(req: IncomingMessage, bucketName: string): S3Request {
  const url = new URL(req.url ?? '/', 'http://localhost')
  const path = decodeURIComponent((req.url ?? '/').split('?', 1)[0] ?? '/').slice(1)
  if (req.headers.host?.startsWith(`${bucketName}.`) === true) {
    return { req, bucketName, key: path, query: url.searchParams }
  }
  const slash = path.indexOf('/')
  const [name, key] = slash === -1 ? [path, ''] : [path.slice(0, slash), path.slice(slash + 1)]
  return { req, bucketName: name, key, query: url.searchParams }
}

/** Sends at the client's pace, so that the count is close to the bytes that the client has. */
async function send(body: Uint8Array, res: ServerResponse, count: (bytes: number) => void): Promise<void> {
  function* chunks(): Generator<Uint8Array> {
    for (let at = 0; at < body.length; at += CHUNK_BYTES) {
      const chunk = body.subarray(at, at + CHUNK_BYTES)
      count(chunk.length)
      yield chunk
    }
  }
  await pipeline(Readable.from(chunks(), { objectMode: false, highWaterMark: CHUNK_BYTES }), res)
}
