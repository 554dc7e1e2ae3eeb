import { z } from 'zod'
import { adminCall } from '../admin.ts'
import { list, text } from '../bounded.ts'
import { registryGrantsSchema, registryUserKind, registryUserName } from '../registry-users.ts'
import { managerCall } from './manager-call.ts'
import { MAX_SHOWN, paging } from './people-shapes.ts'

/** Rows of one page of an answer. */
const MAX_ROWS = 1_000
/** Clusters that one user is for, if he is not for all. */
const MAX_USER_CLUSTERS = 64
const MAX_NOTE = 255
/** Proxies in an answer. */
const MAX_PROXIES = 10_000

const countSchema = z.number().int().min(0)
/** Milliseconds since the epoch. */
const timeSchema = z.number().int().min(0)
/** Names or ids of clusters. */
const clustersSchema = list(text(64).min(1), MAX_USER_CLUSTERS).refine(
  (clusters) => clusters.length > 0,
  'name at least one; without the key, all clusters are meant',
)

const userSchema = z.object({
  name: registryUserName,
  /** `user`: the secret is the password of the name. `token`: it counts with any name. */
  kind: registryUserKind,
  disabled: z.boolean(),
  grants: registryGrantsSchema,
  /** Names; of one that was removed its id. Absent: all, also those that come. */
  clusters: list(text(64), MAX_USER_CLUSTERS).optional(),
  /** Absent: never. */
  expiresAtMs: timeSchema.optional(),
  note: text(MAX_NOTE),
  createdAtMs: timeSchema,
  /** When it got the secret that counts. */
  rotatedAtMs: timeSchema,
})
export type RegistryUserRow = z.output<typeof userSchema>

const shownSchema = z.object({
  /** Shown this once. */
  secret: text(MAX_SHOWN),
  kept: userSchema,
})

/**
 * `applied`: it has the users that it is to have. `behind`: not yet. `foreign`: it has those of another manager. `refused`: it does
 * not take them; the code says why. `away`: it does not answer.
 */
export const registryProxyStates = ['applied', 'behind', 'foreign', 'refused', 'away'] as const

const proxySchema = z.object({
  cluster: text(255),
  proxy: text(128),
  state: z.enum(registryProxyStates),
  /** That it has; absent when it does not say. */
  generation: countSchema.optional(),
  /** That it is to have; 0: there were never any users. */
  wanted: countSchema,
  /** Why it has not. */
  code: text(64).optional(),
  /** Whose users it has, when they are foreign. */
  manager: text(255).optional(),
})
export type RegistryProxy = z.output<typeof proxySchema>

const reads = { resource: 'rights', action: 'read' } as const
const writes = { resource: 'rights', action: 'write' } as const

/** Users and tokens of the registries of clusters: what proxies let in. */
export const managedRegistryCalls = {
  registryUsers: managerCall(
    reads,
    adminCall({
      method: 'GET',
      path: '/api/v1/registry-users',
      summary: 'users and tokens of registries by name, page by page, never their secrets',
      query: paging,
      codes: ['PAGINATION_NUMBER_INVALID'],
      answer: z.object({ users: list(userSchema, MAX_ROWS), next: text(64).optional() }),
    }),
  ),
  registryUser: managerCall(
    reads,
    adminCall({
      method: 'GET',
      path: '/api/v1/registry-users/:user',
      summary: 'one of them; its ETag is for If-Match',
      codes: ['REGISTRY_USER_UNKNOWN'],
      answer: userSchema,
    }),
  ),
  createRegistryUser: managerCall(
    writes,
    adminCall({
      method: 'POST',
      path: '/api/v1/registry-users',
      summary: 'makes a user or a token of registries; the secret is shown this once',
      body: z.strictObject({
        name: registryUserName,
        kind: registryUserKind,
        grants: registryGrantsSchema,
        /** Default: all. */
        clusters: clustersSchema.optional(),
        /** Default: never. */
        expiresAtMs: timeSchema.optional(),
        note: text(MAX_NOTE).optional(),
      }),
      status: 201,
      codes: ['BODY_INVALID', 'NAME_TAKEN', 'CLUSTER_UNKNOWN', 'REGISTRY_USERS_FULL'],
      answer: shownSchema,
    }),
  ),
  changeRegistryUser: managerCall(
    writes,
    adminCall({
      method: 'PATCH',
      path: '/api/v1/registry-users/:user',
      summary: 'changes what is given of one of them, disables or enables it; If-Match of what was seen is obeyed',
      body: z.strictObject({
        grants: registryGrantsSchema.optional(),
        disabled: z.boolean().optional(),
        /** null: all. */
        clusters: clustersSchema.nullable().optional(),
        /** null: never. */
        expiresAtMs: timeSchema.nullable().optional(),
        note: text(MAX_NOTE).optional(),
      }),
      codes: ['BODY_INVALID', 'REGISTRY_USER_UNKNOWN', 'CLUSTER_UNKNOWN', 'REGISTRY_USERS_FULL', 'CHANGED_MEANWHILE'],
      answer: userSchema,
    }),
  ),
  rotateRegistryUser: managerCall(
    writes,
    adminCall({
      method: 'POST',
      path: '/api/v1/registry-users/:user/secret',
      summary: 'gives one of them a new secret, which is shown this once; the one before counts no more',
      codes: ['REGISTRY_USER_UNKNOWN', 'CHANGED_MEANWHILE'],
      answer: shownSchema,
    }),
  ),
  removeRegistryUser: managerCall(
    writes,
    adminCall({
      method: 'DELETE',
      path: '/api/v1/registry-users/:user',
      summary: 'removes one of them; If-Match of what was seen is obeyed',
      codes: ['REGISTRY_USER_UNKNOWN', 'CHANGED_MEANWHILE'],
    }),
  ),
  registryProxies: managerCall(
    reads,
    adminCall({
      method: 'GET',
      path: '/api/v1/registry-proxies',
      summary: 'which proxies have the users that they are to have, and why others have not',
      answer: z.object({
        generation: countSchema,
        applied: countSchema,
        of: countSchema,
        proxies: list(proxySchema, MAX_PROXIES),
      }),
    }),
  ),
}
