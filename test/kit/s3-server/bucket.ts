import type { IncomingHttpHeaders } from 'node:http'
import { S3Failure } from './failure.ts'
import { digest } from './payload.ts'

export interface StoredObject {
  readonly bytes: Buffer
  /** Without quotes. */
  readonly etag: string
  readonly modifiedMs: number
}

/** The objects of one bucket. */
export interface Bucket {
  readonly objects: ReadonlyMap<string, StoredObject>
  put(key: string, bytes: Buffer, etag?: string): StoredObject
  remove(key: string): void
  /** @throws S3Failure NoSuchKey */
  get(key: string): StoredObject
  /** Checks the conditions If-Match and If-None-Match of a write to `key`. @throws S3Failure */
  checkWrite(key: string, headers: IncomingHttpHeaders): void
}

export function memoryBucket(nowMs: () => number): Bucket {
  const objects = new Map<string, StoredObject>()
  const get = (key: string) => {
    const found = objects.get(key)
    if (found === undefined) throw new S3Failure('NoSuchKey', { Key: key })
    return found
  }
  return {
    objects,
    get,
    put(key, bytes, etag = digest('md5', bytes, 'hex')) {
      const object = { bytes, etag, modifiedMs: nowMs() }
      objects.set(key, object)
      return object
    },
    remove: (key) => void objects.delete(key),
    checkWrite(key, headers) {
      const none = headers['if-none-match']
      if (none !== undefined && none !== '*') throw new S3Failure('NotImplemented')
      if (none === '*' && objects.has(key)) throw new S3Failure('PreconditionFailed', { Condition: 'If-None-Match' })
      if (headers['if-match'] !== undefined) checkMatch(get(key), headers)
    },
  }
}

/** @throws S3Failure PreconditionFailed */
export function checkMatch({ etag }: StoredObject, headers: IncomingHttpHeaders): void {
  const wanted = headers['if-match']
  if (wanted === undefined || wanted === '*' || wanted.replaceAll('"', '') === etag) return
  throw new S3Failure('PreconditionFailed', { Condition: 'If-Match' })
}
