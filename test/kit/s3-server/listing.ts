import type { Bucket } from './bucket.ts'
import { S3Failure } from './failure.ts'
import { element } from './xml.ts'

/** ListObjectsV2, or ListObjects (which continues after a marker) when the query names no version. */
export function listObjects(name: string, { objects }: Bucket, query: URLSearchParams): string {
  const isFirstVersion = !query.has('list-type')
  if (!isFirstVersion && query.get('list-type') !== '2') throw new S3Failure('NotImplemented')
  const prefix = query.get('prefix') ?? ''
  const delimiter = query.get('delimiter') ?? ''
  const token = query.get('continuation-token')
  const after =
    token === null
      ? (query.get(isFirstVersion ? 'marker' : 'start-after') ?? '')
      : Buffer.from(token, 'base64url').toString()
  const limit = Math.min(1000, Number(query.get('max-keys') ?? 1000))
  if (!Number.isInteger(limit) || limit < 0) throw new S3Failure('InvalidRequest')
  const encode =
    query.get('encoding-type') === 'url' ? (text: string) => encodeURIComponent(text) : (text: string) => text

  // All keys in a folder become one entry.
  const entryOf = (key: string) => {
    const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
    return end === -1 ? key : key.slice(0, end + delimiter.length)
  }
  const keys = [...objects.keys()].filter((key) => key.startsWith(prefix)).map(entryOf)
  const entries = [...new Set(keys)].filter((entry) => bytesAfter(entry, after)).sort(byBytes)
  const page = entries.slice(0, limit)
  const last = page.at(-1)
  return element('ListBucketResult', {
    Name: name,
    Prefix: encode(prefix),
    MaxKeys: limit,
    ...(delimiter === '' ? {} : { Delimiter: encode(delimiter) }),
    ...(isFirstVersion ? { Marker: encode(after) } : { KeyCount: page.length }),
    ...continuation(isFirstVersion, entries.length > page.length ? last : undefined, encode),
    Contents: page.flatMap((key) => {
      const object = objects.get(key)
      if (object === undefined || (delimiter !== '' && key.endsWith(delimiter))) return []
      return [
        {
          Key: encode(key),
          LastModified: new Date(object.modifiedMs).toISOString(),
          ETag: `"${object.etag}"`,
          Size: object.bytes.length,
          StorageClass: 'STANDARD',
        },
      ]
    }),
    CommonPrefixes: page
      .filter((entry) => delimiter !== '' && entry.endsWith(delimiter))
      .map((entry) => ({ Prefix: encode(entry) })),
  })
}

/** Fields that tell the client how to ask for the page after `last`; undefined `last` means that there is none. */
function continuation(isFirstVersion: boolean, last: string | undefined, encode: (text: string) => string) {
  if (last === undefined) return { IsTruncated: false }
  if (isFirstVersion) return { IsTruncated: true, NextMarker: encode(last) }
  return { IsTruncated: true, NextContinuationToken: Buffer.from(last).toString('base64url') }
}

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

function bytesAfter(key: string, after: string): boolean {
  return byBytes(key, after) > 0
}
