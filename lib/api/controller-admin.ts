import { z } from 'zod'
import { adminCall } from './admin.ts'
import { list, text } from './bounded.ts'
import { adminApi } from './openapi.ts'

const MAX_ROLES = 16
/** More than a name of Kubernetes and what makes it unique. */
const MAX_NAME = 512

const leaseSchema = z.object({
  name: text(MAX_NAME),
  namespace: text(MAX_NAME),
  /** Of this process. */
  identity: text(MAX_NAME),
  isLeading: z.boolean(),
  /** Whoever had the lease when it was last seen; absent when nobody had. */
  holder: text(MAX_NAME).optional(),
  /** How often it has changed hands. */
  transitions: z.number(),
  /** When it was last seen, epoch milliseconds; absent: never. */
  seenAtMs: z.number().optional(),
  /** Code of the error by which it could not be read or written the last time. */
  failure: text(64).optional(),
})

const leadershipSchema = z.object({
  /** How the cluster is reached; without a cluster there is no lease. */
  access: z.enum(['off', 'cluster', 'kubeconfig']),
  lease: leaseSchema.optional(),
  /** `problem`: why the role cannot do its work now. */
  roles: list(z.object({ name: text(64), problem: text(1024).optional() }), MAX_ROLES),
})

export type Leadership = z.output<typeof leadershipSchema>

/** The admin API of a controller; docs/endpoints.md has a row for each call. */
export const controllerAdmin = adminApi({
  leadership: adminCall({
    method: 'GET',
    path: '/leadership',
    summary: 'who leads, and what each role of this controller lacks',
    answer: leadershipSchema,
  }),
})
