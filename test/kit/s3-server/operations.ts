import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { type Bucket, checkMatch, type StoredObject } from './bucket.ts'
import { S3Failure } from './failure.ts'
import { listObjects } from './listing.ts'
import { readPayload } from './payload.ts'
import type { Uploads } from './uploads.ts'
import { element, elementsOf, textOf } from './xml.ts'

/** One request, with the bucket and the key taken from its host and path. */
export interface S3Request {
  readonly req: IncomingMessage
  readonly bucketName: string
  readonly key: string
  readonly query: URLSearchParams
}

export interface S3Answer {
  readonly status: number
  readonly headers?: OutgoingHttpHeaders
  readonly body?: Uint8Array | string
}

/** Requests whose conditions a server may silently ignore, as several services do. */
export type ConditionalOperation = 'PutObject' | 'CompleteMultipartUpload' | 'DeleteObject'

export interface S3Parts {
  readonly bucket: Bucket
  readonly uploads: Uploads
  readonly ignores: ReadonlySet<ConditionalOperation>
}

type Operation = (request: S3Request, parts: S3Parts) => Promise<S3Answer> | S3Answer

const xml = (body: string): S3Answer => ({ status: 200, headers: { 'content-type': 'application/xml' }, body })
const etagHeader = ({ etag }: { readonly etag: string }) => ({ etag: `"${etag}"` })

/** The operations by their names in the documentation of S3. */
export const operations = {
  HeadBucket: () => ({ status: 200 }),
  ListObjectsV2: ({ bucketName, query }, { bucket }) => xml(listObjects(bucketName, bucket, query)),
  GetObject: ({ req, key }, { bucket }) => read(bucket.get(key), req),
  HeadObject: ({ req, key }, { bucket }) => read(bucket.get(key), req),
  async PutObject({ req, key }, { bucket, ignores }) {
    const conditions = ignores.has('PutObject') ? {} : req.headers
    bucket.checkWrite(key, conditions)
    const { bytes, crc32 } = await readPayload(req)
    // Check again: another client may have written while the body arrived.
    bucket.checkWrite(key, conditions)
    const headers = etagHeader(bucket.put(key, bytes))
    return { status: 200, headers: { ...headers, ...(crc32 === undefined ? {} : { 'x-amz-checksum-crc32': crc32 }) } }
  },
  CopyObject({ req, key }, { bucket }) {
    const { etag, modifiedMs } = bucket.put(key, copied(req, bucket))
    return xml(element('CopyObjectResult', { ETag: `"${etag}"`, LastModified: new Date(modifiedMs).toISOString() }))
  },
  DeleteObject({ req, key }, { bucket, ignores }) {
    const isChecked = req.headers['if-match'] !== undefined && !ignores.has('DeleteObject')
    if (isChecked && bucket.objects.has(key)) bucket.checkWrite(key, req.headers)
    bucket.remove(key)
    return { status: 204 }
  },
  async DeleteObjects({ req }, { bucket }) {
    const { bytes } = await readPayload(req)
    const keys = elementsOf(bytes.toString(), 'Object').map((object) => textOf(object, 'Key') ?? '')
    for (const key of keys) bucket.remove(key)
    return xml(element('DeleteResult', { Deleted: keys.map((Key) => ({ Key })) }))
  },
  CreateMultipartUpload({ req, bucketName, key }, { uploads }) {
    const algorithm = req.headers['x-amz-checksum-algorithm']
    const { id } = uploads.create(key, typeof algorithm === 'string' ? algorithm : undefined)
    return xml(element('InitiateMultipartUploadResult', { Bucket: bucketName, Key: key, UploadId: id }))
  },
  async UploadPart({ req, key, query }, { uploads }) {
    const upload = uploads.get(query.get('uploadId') ?? '', key)
    const payload = await readPayload(req)
    const part = uploads.putPart(uploads.get(upload.id, key), Number(query.get('partNumber')), payload)
    const checksum = payload.crc32 === undefined ? {} : { 'x-amz-checksum-crc32': payload.crc32 }
    return { status: 200, headers: { ...etagHeader(part), ...checksum } }
  },
  UploadPartCopy({ req, key, query }, { bucket, uploads }) {
    const upload = uploads.get(query.get('uploadId') ?? '', key)
    const part = uploads.putPart(upload, Number(query.get('partNumber')), { bytes: copied(req, bucket) })
    return xml(element('CopyPartResult', { ETag: `"${part.etag}"`, LastModified: new Date().toISOString() }))
  },
  async CompleteMultipartUpload({ req, bucketName, key, query }, { bucket, uploads, ignores }) {
    const upload = uploads.get(query.get('uploadId') ?? '', key)
    const { bytes } = await readPayload(req)
    bucket.checkWrite(key, ignores.has('CompleteMultipartUpload') ? {} : req.headers)
    const joined = uploads.joined(uploads.get(upload.id, key), bytes.toString())
    uploads.remove(upload)
    const { etag } = bucket.put(key, joined.bytes, joined.etag)
    return xml(element('CompleteMultipartUploadResult', { Bucket: bucketName, Key: key, ETag: `"${etag}"` }))
  },
  AbortMultipartUpload({ key, query }, { uploads }) {
    uploads.remove(uploads.get(query.get('uploadId') ?? '', key))
    return { status: 204 }
  },
  ListMultipartUploads({ bucketName, query }, { uploads }) {
    const prefix = query.get('prefix') ?? ''
    const found = [...uploads.open.values()].filter(({ key }) => key.startsWith(prefix))
    return xml(
      element('ListMultipartUploadsResult', {
        Bucket: bucketName,
        Prefix: prefix,
        IsTruncated: false,
        Upload: found.map(({ id, key }) => ({ Key: key, UploadId: id, Initiated: new Date().toISOString() })),
      }),
    )
  },
  ListParts({ bucketName, key, query }, { uploads }) {
    const { id, parts } = uploads.get(query.get('uploadId') ?? '', key)
    const listed = [...parts].sort(([a], [b]) => a - b)
    return xml(
      element('ListPartsResult', {
        Bucket: bucketName,
        Key: key,
        UploadId: id,
        IsTruncated: false,
        Part: listed.map(([number, { etag, bytes }]) => ({
          PartNumber: number,
          LastModified: new Date().toISOString(),
          ETag: `"${etag}"`,
          Size: bytes.length,
        })),
      }),
    )
  },
} satisfies Record<string, Operation>

export type OperationName = keyof typeof operations

/** @throws S3Failure MethodNotAllowed */
export function operationOf({ req, key, query }: S3Request): OperationName {
  const isCopy = req.headers['x-amz-copy-source'] !== undefined
  const bucketOperations: Readonly<Record<string, OperationName>> = {
    HEAD: 'HeadBucket',
    GET: query.has('uploads') ? 'ListMultipartUploads' : 'ListObjectsV2',
    ...(query.has('delete') ? { POST: 'DeleteObjects' } : {}),
  }
  const uploadOperations: Readonly<Record<string, OperationName>> = {
    GET: 'ListParts',
    PUT: isCopy ? 'UploadPartCopy' : 'UploadPart',
    POST: 'CompleteMultipartUpload',
    DELETE: 'AbortMultipartUpload',
  }
  const objectOperations: Readonly<Record<string, OperationName>> = {
    HEAD: 'HeadObject',
    GET: 'GetObject',
    PUT: isCopy ? 'CopyObject' : 'PutObject',
    DELETE: 'DeleteObject',
    ...(query.has('uploads') ? { POST: 'CreateMultipartUpload' } : {}),
  }
  const table = key === '' ? bucketOperations : query.has('uploadId') ? uploadOperations : objectOperations
  const name = table[req.method ?? '']
  if (name === undefined) throw new S3Failure('MethodNotAllowed')
  return name
}

function read(object: StoredObject, { headers, method }: IncomingMessage): S3Answer {
  checkMatch(object, headers)
  const size = object.bytes.length
  const range = rangeOf(headers.range, size)
  const common = {
    ...etagHeader(object),
    'accept-ranges': 'bytes',
    'content-type': 'application/octet-stream',
    'last-modified': new Date(object.modifiedMs).toUTCString(),
  }
  const bytes = range === undefined ? object.bytes : object.bytes.subarray(range.start, range.end)
  return {
    status: range === undefined ? 200 : 206,
    headers: {
      ...common,
      'content-length': bytes.length,
      ...(range === undefined ? {} : { 'content-range': `bytes ${range.start}-${range.end - 1}/${size}` }),
    },
    ...(method === 'HEAD' ? {} : { body: bytes }),
  }
}

/** A header that is not a single range is ignored, as S3 does. @throws S3Failure InvalidRange */
function rangeOf(
  header: string | undefined,
  size: number,
): { readonly start: number; readonly end: number } | undefined {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? []
  if (from === '' && to === '') return undefined
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from)
  const end = from === '' || to === '' ? size : Math.min(size, Number(to) + 1)
  if (start >= end) throw new S3Failure('InvalidRange', { ActualObjectSize: size, RangeRequested: header ?? '' })
  return { start, end }
}

function copied({ headers }: IncomingMessage, bucket: Bucket): Buffer {
  const source = headers['x-amz-copy-source']
  const [, , ...segments] = `/${decodeURIComponent(String(source)).replace(/^\//, '')}`.split('/')
  const object = bucket.get(segments.join('/'))
  const range = rangeOf(headers['x-amz-copy-source-range']?.toString(), object.bytes.length)
  return Buffer.from(object.bytes.subarray(range?.start, range?.end))
}
