import { MAX_REFERRERS, parseBody, type ReferrerIndex, referrerSchema } from '../../lib/api/index.ts'
import type { Backend } from '../../lib/backend/index.ts'
import { appError } from '../../lib/base/index.ts'
import { type Digest, parseDigest, type Referrer } from '../../lib/core/index.ts'
import { indexKey, referrerPrefix } from './index-keys.ts'
import type { IndexRecords } from './index-records.ts'
import { pageBehind } from './key-pages.ts'

/** Entries of a list that are read at the same time. */
const READS = 8

const parseReferrer = (value: unknown): Referrer => parseBody(referrerSchema, value)

export interface ReferrerIndexComponents {
  readonly backend: Backend
  /** In the same backend. */
  readonly records: IndexRecords
}

/** Referrers in a backend, an object for each. */
export function referrerIndex({ backend, records }: ReferrerIndexComponents): ReferrerIndex {
  return {
    async listReferrers(repository, subject, { last, signal } = {}) {
      const page = { n: MAX_REFERRERS, signal, ...(last !== undefined && { last }) }
      const { names, next } = await pageBehind(backend, referrerPrefix(repository, subject), page)
      const read = async (digest: Digest) =>
        (await records.read(indexKey(repository, { kind: 'referrer', subject, digest }), parseReferrer, { signal }))
          ?.value
      const referrers: Referrer[] = []
      for (let i = 0; i < names.length; i += READS) {
        const found = await Promise.all(names.slice(i, i + READS).map((name) => read(parseDigest(name))))
        // What was removed since the list was made is missing.
        referrers.push(...found.filter((referrer) => referrer !== undefined))
      }
      return { referrers, ...(next !== undefined && { next: parseDigest(next) }) }
    },
    putReferrer: (repository, subject, referrer, options) =>
      records.set(indexKey(repository, { kind: 'referrer', subject, digest: referrer.digest }), referrer, options),
    deleteReferrer: (repository, subject, digest, options) =>
      backend.delete(indexKey(repository, { kind: 'referrer', subject, digest }), options),
  }
}

/** For a registry as index without a second backend. */
export const noReferrers: ReferrerIndex = {
  listReferrers: () => Promise.reject(appError('REFERRERS_UNSUPPORTED')),
  putReferrer: () => Promise.reject(appError('REFERRERS_UNSUPPORTED')),
  deleteReferrer: () => Promise.reject(appError('REFERRERS_UNSUPPORTED')),
}
