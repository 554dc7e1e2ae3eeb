import { type AbortOptions, hasCode, isAppError } from '../../base/index.ts'
import type { ObjectApi } from '../object-store/object-api.ts'
import { isMissing, noSuchBucket } from './tos-error.ts'
import { statOf } from './tos-exchange.ts'
import type { TosPlace } from './tos-session.ts'

/** `head` of the object API. */
export function tosHead({ session, bucket }: TosPlace): ObjectApi['head'] {
  let bucketSeen = false

  /** An answer without a body does not say whether the object or the bucket is missing; so we check the bucket. */
  const checkBucket = async (missing: unknown, options: AbortOptions) => {
    if (bucketSeen) return
    try {
      await session.run((client) => client.headBucket(bucket), options)
    } catch (err) {
      if (isMissing(err, 'object') && isAppError(missing)) throw noSuchBucket(missing)
      // A client that may read objects need not have the right to look at the bucket.
      if (!hasCode(err, 'BACKEND_DENIED')) throw err
    }
    bucketSeen = true
  }

  return async (key, options) => {
    try {
      const { headers } = await session.run((client) => client.headObject({ bucket, key }), options)
      return statOf(headers, Number(headers['content-length']))
    } catch (err) {
      if (!isMissing(err, 'object')) throw err
      await checkBucket(err, options)
      return undefined
    }
  }
}
