import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import type { S3Client } from '@aws-sdk/client-s3'
import { type AbortOptions, type AppError, appError, type Clock } from '../../base/index.ts'
import type { ObjectCondition, Pacing } from '../object-store/object-api.ts'
import type { S3Bucket } from './config.ts'
import { s3Error, s3ReasonOf } from './s3-error.ts'

export interface S3Components {
  readonly client: S3Client
  readonly clock: Clock
}

/** What all requests to one bucket share. */
export interface S3Calls {
  /**
   * Runs one request; undefined when the backend answers with one of the error names in `absent`. @throws as in
   * ObjectApi
   */
  readonly answered: <T>(request: Promise<T>, absent?: readonly string[]) => Promise<T | undefined>
  /** Like `answered`, but a missing object means that the condition failed: BACKEND_PRECONDITION_FAILED. */
  readonly written: <T>(request: Promise<T>) => Promise<T>
}

export function s3Calls({ clock }: Pick<S3Components, 'clock'>): S3Calls {
  const answered = async <T>(request: Promise<T>, absent: readonly string[] = []): Promise<T | undefined> => {
    try {
      return await request
    } catch (err) {
      if (absent.includes(s3ReasonOf(err) ?? '')) return undefined
      throw s3Error(err, clock.now())
    }
  }
  return {
    answered,
    async written(request) {
      const answer = await answered(request, ['NoSuchKey'])
      if (answer === undefined) throw appError('BACKEND_PRECONDITION_FAILED')
      return answer
    },
  }
}

export function aborting({ signal }: AbortOptions): { readonly abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal }
}

/** The etag without the quotes of the header. @throws BACKEND_UNAVAILABLE when it is missing */
export function etagOf(text: string | undefined): string {
  if (text === undefined) throw incomplete('ETag')
  return text.replaceAll('"', '')
}

export function quoted(etag: string): string {
  return `"${etag}"`
}

export function conditionFields({ ifAbsent, ifMatch }: ObjectCondition): { IfNoneMatch?: string; IfMatch?: string } {
  return {
    ...(ifAbsent === true ? { IfNoneMatch: '*' } : {}),
    ...(ifMatch === undefined ? {} : { IfMatch: quoted(ifMatch) }),
  }
}

type Encryption = NonNullable<S3Bucket['encryption']>

export function encryptionFields({ encryption }: Pick<S3Bucket, 'encryption'>): {
  ServerSideEncryption?: Encryption['algorithm']
  SSEKMSKeyId?: string
} {
  if (encryption === undefined) return {}
  const { algorithm, keyId } = encryption
  return { ServerSideEncryption: algorithm, ...(keyId === undefined ? {} : { SSEKMSKeyId: keyId }) }
}

interface BodyFields {
  readonly Body: Readable
  readonly ContentLength: number
  readonly ChecksumCRC32?: string
  readonly ContentMD5?: string
}

/** Size of the chunks that are sent; small enough for a slow connection to show progress. */
const CHUNK_BYTES = 64 * 1024

/**
 * Sends `bytes` with a checksum that the backend supports: CRC32 or, for older backends, MD5. The bytes are sent as a
 * stream, because the SDK would send them all at once; the length and checksum are given, so that the SDK sends them
 * unchanged.
 */
export async function sendingBody<T>(
  bytes: Uint8Array,
  { checksums, pace }: Pick<S3Bucket, 'checksums'> & Pacing,
  send: (fields: BodyFields) => Promise<T>,
): Promise<T> {
  async function* paced(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      const chunk = bytes.subarray(at, at + CHUNK_BYTES)
      await pace(chunk.length)
      yield chunk
    }
  }
  const Body = Readable.from(paced(), { objectMode: false })
  const checksum = checksums === 'always' ? { ChecksumCRC32: crc32Of(bytes) } : { ContentMD5: md5Of(bytes) }
  try {
    return await send({ Body, ContentLength: bytes.length, ...checksum })
  } finally {
    Body.destroy()
  }
}

function crc32Of(bytes: Uint8Array): string {
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(bytes))
  return sum.toString('base64')
}

function md5Of(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('base64')
}

/** The error for an answer that lacks something the protocol promises. */
export function incomplete(what: string): AppError {
  return appError('BACKEND_UNAVAILABLE', { message: `the backend sent no ${what}; does it speak the protocol of S3?` })
}
