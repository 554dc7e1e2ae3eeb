import { z } from 'zod'
import { type AbortOptions, appError, hasCode } from '../base/index.ts'
import { type Digest, type Referrer, type Repository, repositoryText } from '../core/index.ts'
import type { HttpClient } from '../http/index.ts'
import { jsonBody, sendForJson, sendForNothing } from './answer.ts'
import { list, table, text } from './bounded.ts'
import { path, query } from './path.ts'
import { byteCountSchema, descriptorSchema, digestSchema } from './schemas.ts'

/** Route patterns of the build-index for referrers. */
export const referrerRoutes = {
  all: '/repositories/:repository/referrers/:subject',
  one: '/repositories/:repository/referrers/:subject/:digest',
} as const

/** Bytes of a referrer as JSON; its annotations are what could be more. */
export const MAX_REFERRER_BYTES = 60 * 1024
/** Referrers on one page, so that a page of the largest ones is still read by the client. */
export const MAX_REFERRERS = 50

export const referrerSchema = descriptorSchema.extend({
  artifactType: text(255).exactOptional(),
  annotations: table(text(MAX_REFERRER_BYTES), { max: 1000, maxKey: 1024 }).exactOptional(),
})
export const referrerPageSchema = z.object({
  referrers: list(referrerSchema, MAX_REFERRERS),
  next: digestSchema.exactOptional(),
  merged: z.literal(true).exactOptional(),
  staleSinceMs: byteCountSchema.exactOptional(),
})

/**
 * In the order of the digests. `next` is the value of `last` for the next page; absent on the last page. `merged`: a registry
 * of others has listed them itself, with what a fallback tag names; `staleSinceMs`: it does not answer, and this is what it said
 * then, in milliseconds since the epoch.
 */
export interface ReferrerPage {
  readonly referrers: readonly Referrer[]
  readonly next?: Digest
  readonly merged?: true
  readonly staleSinceMs?: number
}

export interface ReferrerPageOptions extends AbortOptions {
  /** The page starts after this digest. */
  readonly last?: Digest | undefined
}

/**
 * Which manifests of a repository have which other one as their subject, whether or not that one is there. Every method:
 * @throws REFERRERS_UNSUPPORTED when there is no place to keep that
 */
export interface ReferrerIndex {
  /** An empty page for a subject that nothing refers to. */
  listReferrers(repository: Repository, subject: Digest, options?: ReferrerPageOptions): Promise<ReferrerPage>
  /** Returns when it is durable; any number of calls at the same time lose nothing. */
  putReferrer(repository: Repository, subject: Digest, referrer: Referrer, options?: AbortOptions): Promise<void>
  /** Does nothing when there is none. */
  deleteReferrer(repository: Repository, subject: Digest, digest: Digest, options?: AbortOptions): Promise<void>
}

/** The referrers of one build-index over HTTP; `url` is its base URL. */
export function referrerClient(http: HttpClient, url: string): ReferrerIndex {
  const all = (repository: Repository, subject: Digest) =>
    url + path`/repositories/${repositoryText(repository)}/referrers/${subject}`
  return {
    listReferrers(repository, subject, { last, signal } = {}) {
      const request = { method: 'GET', url: all(repository, subject) + query({ last }), signal } as const
      return orUnsupported(sendForJson<ReferrerPage>(http, request, { schema: referrerPageSchema }))
    },
    putReferrer(repository, subject, referrer, { signal } = {}) {
      const target = all(repository, subject) + path`/${referrer.digest}`
      return orUnsupported(sendForNothing(http, { method: 'PUT', url: target, ...jsonBody(referrer), signal }))
    },
    deleteReferrer: (repository, subject, digest, { signal } = {}) =>
      orUnsupported(
        sendForNothing(http, { method: 'DELETE', url: all(repository, subject) + path`/${digest}`, signal }),
      ),
  }
}

/** A build-index of a version without these routes keeps no lists either. */
async function orUnsupported<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (err) {
    throw hasCode(err, 'NOT_FOUND') ? appError('REFERRERS_UNSUPPORTED', { cause: err }) : err
  }
}
