import { z } from 'zod'
import { adminCall } from './admin.ts'
import { list, text } from './bounded.ts'
import { contentSchema, jobBodySchema, jobHostSchema, jobSchema } from './fleet-jobs.ts'

/** Entries of one list in an answer. */
const MAX_ENTRIES = 1000

const pageQuery = {
  n: 'entries on one page',
  last: 'continue after this entry: `next` of the page before',
}

/** Jobs for hosts: part of the admin API of a tracker. */
export const fleetCalls = {
  content: adminCall({
    method: 'GET',
    path: '/content',
    summary: 'what an image or blob stands for now, and the manifests and blobs that it consists of',
    query: {
      target: 'repository:tag, repository@digest, or the digest of a blob',
      platforms:
        'of an image only those for these, as linux/amd64, with commas between them; default: for every machine',
    },
    codes: [
      ...(['DIGEST_INVALID', 'NAME_INVALID', 'TAG_INVALID', 'REQUEST_INVALID', 'MANIFEST_UNKNOWN'] as const),
      ...(['MANIFEST_INVALID', 'NO_HEALTHY_MEMBER'] as const),
    ],
    answer: contentSchema,
  }),
  order: adminCall({
    method: 'POST',
    path: '/jobs',
    summary: 'asks hosts what they hold of an image or blob, or tells them to fetch, delete, pin or unpin it',
    body: jobBodySchema,
    status: 202,
    codes: [
      ...([
        'BODY_INVALID',
        'DIGEST_INVALID',
        'NAME_INVALID',
        'TAG_INVALID',
        'MANIFEST_UNKNOWN',
        'BLOB_UNKNOWN',
      ] as const),
      ...([
        'FLEET_EMPTY',
        'FLEET_GATHERING',
        'JOB_KEY_TAKEN',
        'JOBS_FULL',
        'JOURNAL_FULL',
        'NO_HEALTHY_MEMBER',
      ] as const),
    ],
    answer: jobSchema,
  }),
  jobs: adminCall({
    method: 'GET',
    path: '/jobs',
    summary: 'jobs for hosts, the newest first, page by page',
    query: {
      ...pageQuery,
      state: 'only those that are waiting, running, done, failed or cancelled',
      kind: 'only those of this kind: query, preload, delete, pin, unpin',
    },
    codes: ['REQUEST_INVALID'],
    answer: z.object({ jobs: list(jobSchema, MAX_ENTRIES), next: text(64).optional() }),
  }),
  job: adminCall({
    method: 'GET',
    path: '/jobs/:id',
    summary: 'one job: how far it is, and why hosts failed',
    codes: ['JOB_UNKNOWN'],
    answer: jobSchema,
  }),
  jobHosts: adminCall({
    method: 'GET',
    path: '/jobs/:id/hosts',
    summary: 'the hosts of a job, page by page: what each has done or holds',
    query: {
      ...pageQuery,
      state: 'only those that are waiting, running, done, failed or cancelled',
      holds: 'of a question, only those that hold nothing, part or whole',
    },
    codes: ['JOB_UNKNOWN', 'REQUEST_INVALID'],
    answer: z.object({ hosts: list(jobHostSchema, MAX_ENTRIES), next: text(255).optional() }),
  }),
  cancelJob: adminCall({
    method: 'POST',
    path: '/jobs/:id/cancel',
    summary: 'ends a job: hosts that wait do nothing, and those that work are told to stop',
    codes: ['JOB_UNKNOWN', 'JOB_OVER'],
    answer: jobSchema,
  }),
}
