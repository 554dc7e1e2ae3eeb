import { z } from 'zod'
import { adminCall } from '../admin.ts'
import { list, table, text } from '../bounded.ts'
import { managerCall } from './manager-call.ts'

/** Join tokens of a cluster. */
const MAX_TOKENS = 1000
/** Scopes of one kind of a cluster. */
const MAX_SCOPES = 256
/** Clusters of one manager. */
const MAX_CLUSTERS = 1000

const idSchema = text(64)
const timeSchema = z.number()
const countSchema = z.number().int().min(0)
/** Ids stand where names do, so no name is like one (services/manager/database/ids.ts). */
export const managedClusterName = text(63).regex(
  /^(?![a-z0-9]{9}-[0-9a-f]{16}$)[a-z0-9][a-z0-9-]*$/,
  'a name has lower-case letters, digits and "-", and is not like an id',
)
const wordsSchema = text(500)

export const scopesSchema = z.strictObject({
  /** Networks of its clients: `10.0.0.0/8`. */
  cidrs: list(text(64).min(1), MAX_SCOPES).optional(),
  /** Names of zones; `*` stands for any characters. */
  zones: list(text(255).min(1), MAX_SCOPES).optional(),
  /** Regular expressions of host names, of a simple kind. */
  hosts: list(text(512).min(1), MAX_SCOPES).optional(),
})
export type ScopesBody = z.output<typeof scopesSchema>

/** `empty`: no tracker has joined. `away`: none answers. `degraded`: not all members are well. */
const clusterStates = ['ok', 'degraded', 'away', 'empty'] as const

const clusterSchema = z.object({
  id: idSchema,
  name: text(63),
  description: wordsSchema,
  scopes: z.object({
    cidrs: list(text(64), MAX_SCOPES),
    zones: list(text(255), MAX_SCOPES),
    hosts: list(text(512), MAX_SCOPES),
  }),
  /** Gets who fits no other one. */
  default: z.boolean(),
  /** Grows with each change. */
  revision: countSchema,
  createdAtMs: timeSchema,
  state: z.enum(clusterStates),
  /** Members by state. */
  members: table(countSchema, { max: 8, maxKey: 32 }),
  /** Agents that its trackers know. */
  agents: countSchema,
  /** Hosts that run an older generation of settings than they should. */
  behind: countSchema,
  /** Members by version: more than one while an upgrade is under way. */
  versions: table(countSchema, { max: 1000, maxKey: 64 }),
})
export type ClusterAnswer = z.output<typeof clusterSchema>

const tokenSchema = z.object({
  id: idSchema,
  name: text(64),
  createdAtMs: timeSchema,
  expiresAtMs: timeSchema.optional(),
  /** Joins that it is still good for; absent: any number. */
  usesLeft: countSchema.optional(),
  used: countSchema,
  state: z.enum(['valid', 'expired', 'used']),
})

const pageQuery = {
  n: 'entries on one page',
  last: 'continue after this entry: `next` of the page before',
}

const clusterBody = {
  description: wordsSchema.optional(),
  scopes: scopesSchema.optional(),
  /** One cluster is the default: it takes that from the one before. */
  default: z.boolean().optional(),
}
const reads = { resource: 'clusters', action: 'read' } as const
const writes = { resource: 'clusters', action: 'write' } as const

/** Calls about clusters, their and their tokens. */
export const clusterCalls = {
  clusters: managerCall(
    reads,
    adminCall({
      method: 'GET',
      path: '/api/v1/clusters',
      summary: 'clusters, page by page, with the state of their members',
      query: pageQuery,
      codes: ['PAGINATION_NUMBER_INVALID'],
      answer: z.object({ clusters: list(clusterSchema, MAX_CLUSTERS), next: text(63).optional() }),
    }),
  ),
  createCluster: managerCall(
    writes,
    adminCall({
      method: 'POST',
      path: '/api/v1/clusters',
      summary: 'makes a cluster, which services can join',
      body: z.strictObject({ name: managedClusterName, ...clusterBody }),
      status: 201,
      codes: ['BODY_INVALID', 'CLUSTER_EXISTS', 'SCOPE_INVALID', 'CLUSTER_FULL'],
      answer: clusterSchema,
    }),
  ),
  cluster: managerCall(
    reads,
    adminCall({
      method: 'GET',
      path: '/api/v1/clusters/:cluster',
      summary: 'one cluster, by its name or id',
      codes: ['CLUSTER_UNKNOWN'],
      answer: clusterSchema,
    }),
  ),
  changeCluster: managerCall(
    writes,
    adminCall({
      method: 'PUT',
      path: '/api/v1/clusters/:cluster',
      summary: 'changes what is given of a cluster',
      body: z.strictObject({
        name: managedClusterName.optional(),
        ...clusterBody,
        /** Of the cluster as it was seen: then a change of somebody else is not overwritten. */
        revision: countSchema.optional(),
      }),
      codes: ['BODY_INVALID', 'CLUSTER_UNKNOWN', 'CLUSTER_EXISTS', 'SCOPE_INVALID', 'CHANGED_MEANWHILE'],
      answer: clusterSchema,
    }),
  ),
  removeCluster: managerCall(
    writes,
    adminCall({
      method: 'DELETE',
      path: '/api/v1/clusters/:cluster',
      summary: 'forgets a cluster whose members are all away and that no relation names, its tokens and its hosts',
      codes: ['CLUSTER_UNKNOWN', 'CLUSTER_IN_USE'],
    }),
  ),
  joinTokens: managerCall(
    reads,
    adminCall({
      method: 'GET',
      path: '/api/v1/clusters/:cluster/tokens',
      summary: 'join tokens of a cluster; never the tokens themselves',
      codes: ['CLUSTER_UNKNOWN'],
      answer: z.object({ tokens: list(tokenSchema, MAX_TOKENS) }),
    }),
  ),
  createJoinToken: managerCall(
    writes,
    adminCall({
      method: 'POST',
      path: '/api/v1/clusters/:cluster/tokens',
      summary: 'makes a join token, which is shown this once',
      body: z.strictObject({
        name: text(64).min(1),
        /** Default: 24 hours. */
        hours: z.number().positive().max(87_600).optional(),
        /** Joins that it is good for. Default: any number. */
        uses: z.number().int().min(1).max(1_000_000).optional(),
      }),
      status: 201,
      codes: ['BODY_INVALID', 'CLUSTER_UNKNOWN', 'CLUSTER_FULL'],
      answer: tokenSchema.extend({ token: text(256) }),
    }),
  ),
  revokeJoinToken: managerCall(
    writes,
    adminCall({
      method: 'DELETE',
      path: '/api/v1/clusters/:cluster/tokens/:token',
      summary: 'revokes a join token, or forgets one that has ended; who has joined with it stays',
      codes: ['CLUSTER_UNKNOWN', 'JOIN_TOKEN_UNKNOWN'],
    }),
  ),
}
