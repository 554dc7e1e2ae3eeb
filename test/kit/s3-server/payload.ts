import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { crc32 } from 'node:zlib'
import { S3Failure } from './failure.ts'

/** The body of a request, and the CRC32 sent with it. */
export interface Payload {
  readonly bytes: Buffer
  /** Base64, as in the header. */
  readonly crc32?: string
}

/** Reads a body and checks it against every hash that the client sent. @throws S3Failure */
export async function readPayload(req: IncomingMessage): Promise<Payload> {
  const { bytes, trailers } = await decoded(req)
  const md5 = req.headers['content-md5']
  if (md5 !== undefined && md5 !== digest('md5', bytes, 'base64')) throw new S3Failure('BadDigest')
  const sent = req.headers['x-amz-checksum-crc32'] ?? trailers.get('x-amz-checksum-crc32')
  if (req.headers['x-amz-sdk-checksum-algorithm'] === 'CRC32' && sent === undefined) {
    throw new S3Failure('InvalidRequest', {}, 'x-amz-sdk-checksum-algorithm specified, but no corresponding checksum')
  }
  if (typeof sent !== 'string') return { bytes }
  if (sent !== crc32Of(bytes)) throw new S3Failure('BadDigest', {}, 'The CRC32 you specified did not match')
  return { bytes, crc32: sent }
}

interface Decoded {
  readonly bytes: Buffer
  readonly trailers: ReadonlyMap<string, string>
}

/** Removes the framing that x-amz-content-sha256 names, or checks the hash that the header contains. */
async function decoded(req: IncomingMessage): Promise<Decoded> {
  const hash = String(req.headers['x-amz-content-sha256'])
  const raw = await buffer(req)
  if (hash === 'STREAMING-UNSIGNED-PAYLOAD-TRAILER') {
    const found = unchunked(raw)
    if (Number(req.headers['x-amz-decoded-content-length']) !== found.bytes.length)
      throw new S3Failure('InvalidRequest')
    return found
  }
  if (hash.startsWith('STREAMING-')) throw new S3Failure('NotImplemented')
  if (hash !== 'UNSIGNED-PAYLOAD' && hash !== digest('sha256', raw, 'hex')) {
    throw new S3Failure('XAmzContentSHA256Mismatch')
  }
  return { bytes: raw, trailers: new Map() }
}

export function crc32Of(bytes: Uint8Array): string {
  const value = Buffer.alloc(4)
  value.writeUInt32BE(crc32(bytes))
  return value.toString('base64')
}

export function digest(algorithm: 'md5' | 'sha256', bytes: Uint8Array, encoding: 'hex' | 'base64'): string {
  return createHash(algorithm).update(bytes).digest(encoding)
}

/** Decodes `aws-chunked`: `<hex size>\r\n<bytes>\r\n` up to a chunk of size 0, then trailer lines. */
function unchunked(raw: Buffer): Decoded {
  const chunks: Buffer[] = []
  for (let at = 0; ; ) {
    const line = raw.indexOf('\r\n', at)
    const size = Number.parseInt(raw.subarray(at, line).toString(), 16)
    if (line === -1 || Number.isNaN(size))
      throw new S3Failure('InvalidRequest', {}, 'The chunks of the body are malformed')
    if (size === 0) {
      const lines = raw
        .subarray(line + 2)
        .toString()
        .split('\r\n')
      const trailers = lines
        .filter((text) => text.includes(':'))
        .map((text): [string, string] => {
          const colon = text.indexOf(':')
          return [text.slice(0, colon).toLowerCase(), text.slice(colon + 1).trim()]
        })
      return { bytes: Buffer.concat(chunks), trailers: new Map(trailers) }
    }
    chunks.push(raw.subarray(line + 2, line + 2 + size))
    at = line + 2 + size + 2
  }
}
