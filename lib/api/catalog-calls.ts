import { z } from 'zod'
import { adminCall } from './admin.ts'
import { list, text } from './bounded.ts'
import { referrerPageSchema } from './referrers.ts'
import { digestSchema } from './schemas.ts'

/** Names on one page. */
const MAX_NAMES = 1000
/** Tags on one page: each is looked up for its digest. */
const MAX_TAGS = 200
/** Longest name of a repository. */
const MAX_TEXT = 4 * 1024

/** What a build-index has, for admins: part of its admin API. */
export const catalogCalls = {
  repositories: adminCall({
    method: 'GET',
    path: '/catalog',
    summary: 'our own repositories by name, page by page',
    query: { n: 'names on one page', last: 'continue after this name: `next` of the page before' },
    codes: ['PAGINATION_NUMBER_INVALID'],
    answer: z.object({ repositories: list(text(MAX_TEXT), MAX_NAMES), next: text(MAX_TEXT).optional() }),
  }),
  tags: adminCall({
    method: 'GET',
    path: '/catalog/:repository',
    summary: 'tags of a repository and what each stands for, page by page',
    query: { n: 'tags on one page', last: 'continue after this tag: `next` of the page before' },
    codes: ['NAME_INVALID', 'NAME_UNKNOWN', 'PAGINATION_NUMBER_INVALID'],
    answer: z.object({
      tags: list(z.object({ tag: text(128), digest: digestSchema, mediaType: text(255) }), MAX_TAGS),
      next: text(128).optional(),
    }),
  }),
  referrers: adminCall({
    method: 'GET',
    path: '/catalog/:repository/referrers/:digest',
    summary: 'what has a manifest as its subject: signatures, attestations, lists of packages',
    query: { last: 'continue after this digest: `next` of the page before' },
    codes: ['NAME_INVALID', 'DIGEST_INVALID', 'REFERRERS_UNSUPPORTED'],
    answer: referrerPageSchema,
  }),
  deleteTag: adminCall({
    method: 'DELETE',
    path: '/catalog/:repository/tags/:tag',
    summary: 'removes a tag; what it stands for stays until the next look for garbage',
    codes: ['NAME_INVALID', 'TAG_INVALID', 'MANIFEST_UNKNOWN'],
  }),
}
