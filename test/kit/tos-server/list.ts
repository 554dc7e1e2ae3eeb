import type { Bucket } from './bucket.ts'
import { TosRefusal } from './tos-refusal.ts'

const MAX_KEYS = 1000

/** The answer to a listing, in the form of `list-type=2` or in the older form. */
export function listing(bucket: Bucket, query: URLSearchParams): unknown {
  const second = query.get('list-type') === '2'
  const prefix = query.get('prefix') ?? ''
  const after = (second ? (query.get('continuation-token') ?? query.get('start-after')) : query.get('marker')) ?? ''
  const limit = Number(query.get('max-keys') ?? MAX_KEYS)
  if (!(limit >= 1 && limit <= MAX_KEYS)) throw new TosRefusal(400, 'InvalidArgument', 'max-keys is 1 to 1000')
  const keys = [...bucket.objects.keys()].filter((key) => key.startsWith(prefix) && isBehind(key, after)).sort(inBytes)
  const page = keys.slice(0, limit)
  const last = page.at(-1)
  return {
    Prefix: prefix,
    MaxKeys: limit,
    IsTruncated: keys.length > limit,
    ...(page.length > 0 ? { Contents: page.map((key) => entry(bucket, key)) } : {}),
    ...(second ? { KeyCount: page.length } : { Marker: after }),
    ...(keys.length > limit ? { [second ? 'NextContinuationToken' : 'NextMarker']: last } : {}),
  }
}

/** The answer to a listing of unfinished uploads. */
export function uploadListing(bucket: Bucket): unknown {
  return { IsTruncated: false, Uploads: [...bucket.uploads].map(([UploadId, { key }]) => ({ Key: key, UploadId })) }
}

/** The answer to a listing of an upload's parts. */
export function partListing(bucket: Bucket, key: string, uploadId: string): unknown {
  const parts = [...bucket.upload(key, uploadId).parts].sort(([a], [b]) => a - b)
  return {
    Key: key,
    UploadId: uploadId,
    IsTruncated: false,
    Parts: parts.map(([PartNumber, { etag, bytes }]) => ({ PartNumber, ETag: etag, Size: bytes.length })),
  }
}

function entry(bucket: Bucket, key: string) {
  const { etag, bytes, crc64, modifiedMs } = bucket.get(key)
  const LastModified = new Date(modifiedMs).toISOString()
  return {
    Key: key,
    ETag: etag,
    Size: bytes.length,
    LastModified,
    HashCrc64ecma: String(crc64),
    StorageClass: 'STANDARD',
  }
}

const inBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
const isBehind = (key: string, after: string) => inBytes(key, after) > 0
