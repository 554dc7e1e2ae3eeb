import { Readable } from 'node:stream'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { type AbortOptions, appError, hasCode } from '../../base/index.ts'
import type { ByteRange } from '../../core/index.ts'
import type { ObjectRead } from '../backend.ts'
import type { ObjectApi } from '../object-store/object-api.ts'
import { bucketProof } from './bucket-proof.ts'
import type { S3Bucket } from './config.ts'
import {
  aborting,
  conditionFields,
  encryptionFields,
  etagOf,
  incomplete,
  type S3Components,
  s3Calls,
  sendingBody,
} from './s3-calls.ts'
import { noSuchBucket } from './s3-error.ts'

/** The objects of one bucket. */
export function s3Objects({ client, clock }: S3Components, config: S3Bucket): ObjectApi {
  const { answered, written } = s3Calls({ clock })
  const Bucket = config.bucket

  return {
    head: headOf({ client, clock }, config),
    async get(key, options) {
      const { range } = options
      const command = new GetObjectCommand({
        Bucket,
        Key: key,
        ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end - 1}` }),
        ...conditionFields(options),
      })
      const found = await answered(client.send(command, aborting(options)), ['NoSuchKey'])
      return found && openedObject(found, range)
    },
    async put(key, bytes, options) {
      const { ETag } = await sendingBody(bytes, { ...config, ...options }, (body) => {
        const fields = { Bucket, Key: key, ...body, ...conditionFields(options), ...encryptionFields(config) }
        return written(client.send(new PutObjectCommand(fields), aborting(options)))
      })
      return { size: bytes.length, etag: etagOf(ETag) }
    },
    async delete(key, options) {
      const command = new DeleteObjectCommand({ Bucket, Key: key, ...conditionFields(options) })
      await answered(client.send(command, aborting(options)), ['NoSuchKey'])
    },
    async list(prefix, { after, limit, ...options }) {
      const command = new ListObjectsV2Command({
        Bucket,
        MaxKeys: limit,
        ...(prefix === '' ? {} : { Prefix: prefix }),
        ...(after === undefined ? {} : { StartAfter: after }),
      })
      const page = await answered(client.send(command, aborting(options)))
      const keys = (page?.Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : [Key]))
      if (page?.IsTruncated !== true) return { keys, next: undefined }
      if (keys.length === 0) throw incomplete('keys in a page that others follow')
      return { keys, next: keys.at(-1) }
    },
  }
}

/** A HEAD has no body to say what is missing, so when the object is missing, the bucket is checked. */
function headOf({ client, clock }: S3Components, { bucket: Bucket }: S3Bucket): ObjectApi['head'] {
  const { answered } = s3Calls({ clock })
  const askForBucket = async (options: AbortOptions) => {
    try {
      const request = client.send(new HeadBucketCommand({ Bucket }), aborting(options))
      if ((await answered(request, ['NotFound', 'NoSuchBucket'])) === undefined) throw noSuchBucket()
    } catch (err) {
      // A client without the right to look at the bucket still learns that the bucket exists.
      if (!hasCode(err, 'BACKEND_DENIED')) throw err
    }
  }
  const bucket = bucketProof(clock, askForBucket)

  /** A refused HEAD does not say why either, e.g. that the session token has expired; the same GET does. */
  const explain = async (key: string, options: AbortOptions) => {
    const request = client.send(new GetObjectCommand({ Bucket, Key: key, Range: 'bytes=0-0' }), aborting(options))
    const unrefused = await answered(request, ['NoSuchKey', 'InvalidRange'])
    if (unrefused?.Body instanceof Readable) unrefused.Body.destroy()
  }
  const asked = async (key: string, options: AbortOptions) => {
    try {
      const request = client.send(new HeadObjectCommand({ Bucket, Key: key }), aborting(options))
      return await answered(request, ['NotFound', 'NoSuchKey'])
    } catch (err) {
      if (hasCode(err, 'BACKEND_REFUSED')) await explain(key, options)
      throw err
    }
  }

  return async (key, options) => {
    const found = await asked(key, options)
    if (found === undefined) {
      await bucket.confirm(options)
      return undefined
    }
    bucket.seen()
    if (found.ContentLength === undefined) throw incomplete('Content-Length')
    return { size: found.ContentLength, etag: etagOf(found.ETag) }
  }
}

/** @throws BACKEND_UNAVAILABLE when the backend sent something else than requested */
function openedObject(
  { Body, ContentLength, ContentRange, ETag }: GetObjectCommandOutput,
  range?: ByteRange,
): ObjectRead {
  if (!(Body instanceof Readable)) throw incomplete('body')
  try {
    const size = sizeOf(ContentLength, ContentRange, range)
    // Some backends answer a range of an empty object, and even announce bytes for it.
    if (range !== undefined && size === 0) throw appError('RANGE_UNSATISFIABLE')
    return { size, etag: etagOf(ETag), body: Body }
  } catch (err) {
    Body.destroy()
    throw err
  }
}

function sizeOf(length: number | undefined, contentRange: string | undefined, range: ByteRange | undefined): number {
  const [, start, size] = /^bytes (\d+)-\d+\/(\d+)$/.exec(contentRange ?? '') ?? []
  if (range !== undefined && Number(start ?? 0) !== range.start) {
    throw appError('BACKEND_UNAVAILABLE', { message: 'the backend does not give ranges of objects' })
  }
  const whole = size === undefined ? length : Number(size)
  if (whole === undefined) throw incomplete('Content-Length')
  return whole
}
