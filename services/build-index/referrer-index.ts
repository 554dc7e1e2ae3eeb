import { isDeepStrictEqual } from 'node:util'
import { MAX_REFERRERS, parseBody, type ReferrerIndex, referrerSchema } from '../../lib/api/index.ts'
import type { Backend } from '../../lib/backend/index.ts'
import { type AbortOptions, appError, hasCode, inTurns } from '../../lib/base/index.ts'
import { type Digest, parseDigest, type Referrer } from '../../lib/core/index.ts'
import { type AnnouncedComponents, announced } from './announced.ts'
import { indexKey, referrerPrefix } from './index-keys.ts'
import type { IndexRecords } from './index-records.ts'
import { pageBehind } from './key-pages.ts'
import { referrersTag } from './replication/rules.ts'

/** Entries of a list that are read at the same time. */
const READS = 8

const parseReferrer = (value: unknown): Referrer => parseBody(referrerSchema, value)

export interface ReferrerIndexComponents extends AnnouncedComponents {
  readonly backend: Backend
  /** In the same backend. */
  readonly records: IndexRecords
}

/** Referrers in a backend, an object for each. */
export function referrerIndex(components: ReferrerIndexComponents): ReferrerIndex {
  const { backend, records } = components
  const known = async (key: string, options: AbortOptions) => {
    try {
      return (await records.read(key, parseReferrer, options))?.value
    } catch (err) {
      // A malformed one is replaced.
      if (hasCode(err, 'BACKEND_CORRUPT')) return undefined
      throw err
    }
  }
  return {
    async listReferrers(repository, subject, { last, signal } = {}) {
      const page = { n: MAX_REFERRERS, signal, ...(last !== undefined && { last }) }
      const { names, next } = await pageBehind(backend, referrerPrefix(repository, subject), page)
      const read = async (digest: Digest) =>
        (await records.read(indexKey(repository, { kind: 'referrer', subject, digest }), parseReferrer, { signal }))
          ?.value
      const found = await inTurns(names, READS, (name) => read(parseDigest(name)))
      // What was removed since the list was made is missing.
      const referrers = found.filter((referrer) => referrer !== undefined)
      return { referrers, ...(next !== undefined && { next: parseDigest(next) }) }
    },
    async putReferrer(repository, subject, referrer, options = {}) {
      const key = indexKey(repository, { kind: 'referrer', subject, digest: referrer.digest })
      // What is there already is not announced: what goes round in a loop of clusters ends here.
      if (isDeepStrictEqual(await known(key, options), referrer)) return
      const change = { repository, tag: referrersTag(subject) }
      await announced(components, change, (within) => records.set(key, referrer, within), options)
    },
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
