import { z } from 'zod'
import { adminCall } from '../admin.ts'
import { list, table, text } from '../bounded.ts'
import { runSettingsSchema } from '../steering-admin.ts'
import { memberKinds } from './joining.ts'
import { managerCall } from './manager-call.ts'

/** Entries of one page. */
const MAX_PAGE = 1000
/** Clusters that an assignment names. */
const MAX_NAMED = 1000

const idSchema = text(64)
const timeSchema = z.number()
const countSchema = z.number().int().min(0)
const wordsSchema = text(500)

/** `unreachable`: it lives, and does not answer the manager. `away`: neither. */
export const memberStates = ['ok', 'degraded', 'unreachable', 'away'] as const
export type MemberState = (typeof memberStates)[number]

const memberSchema = z.object({
  id: idSchema,
  cluster: text(63),
  kind: z.enum(memberKinds),
  member: text(128),
  urls: z.object({ ops: text(2048), admin: text(2048), http: text(2048).optional() }),
  version: text(64),
  zone: text(255).optional(),
  network: text(63).optional(),
  state: z.enum(memberStates),
  sinceMs: timeSchema,
  /** Why it is not well, in words. */
  reasons: list(text(1000), 64),
  joinedAtMs: timeSchema,
  heartbeatAtMs: timeSchema,
  /** When it last answered the manager. */
  answeredAtMs: timeSchema.optional(),
  uptimeMs: z.number(),
  generation: countSchema.optional(),
  capacity: table(z.number(), { max: 64, maxKey: 64 }),
})
export type MemberAnswer = z.output<typeof memberSchema>

/** `out`: not named, as several have said that it fails. `probation`: named again. */
export const hostStates = ['ok', 'out', 'probation', 'banned', 'draining'] as const

const hostSchema = z.object({
  cluster: text(63),
  peerId: text(40),
  host: text(45),
  port: countSchema,
  role: text(16),
  zone: text(255).optional(),
  version: text(64).optional(),
  generation: countSchema.optional(),
  state: z.enum(hostStates),
  why: wordsSchema.optional(),
  seenAtMs: timeSchema,
  downloads: countSchema,
  seeds: countSchema,
  bytesInPerSecond: z.number(),
  bytesOutPerSecond: z.number(),
  /** It runs an older generation of settings than it should. */
  behind: z.boolean(),
  /** What became of them there; absent when it has not said. */
  settings: runSettingsSchema.pick({ state: true, code: true, message: true }).optional(),
})
export type HostAnswer = z.output<typeof hostSchema>

const placeSchema = z.object({ id: text(128), url: text(2048), state: z.enum(memberStates) })
const assignedSchema = z.object({
  id: idSchema,
  name: text(63),
  points: z.number(),
  why: list(wordsSchema, 8),
  trackers: list(placeSchema, MAX_PAGE),
  origins: list(placeSchema, MAX_PAGE),
  buildIndexes: list(placeSchema, MAX_PAGE),
})
export type AssignedCluster = z.output<typeof assignedSchema>

/** Which clusters fit, the best first. */
export const assignmentSchema = z.object({
  cluster: assignedSchema,
  alternatives: list(assignedSchema, MAX_NAMED),
  /** Those that fit and are not named, and why. */
  passed: list(z.object({ name: text(63), why: wordsSchema }), MAX_NAMED),
})
export type AssignmentAnswer = z.output<typeof assignmentSchema>

const pageQuery = {
  n: 'entries on one page',
  last: 'continue after this entry: `next` of the page before',
}
const reads = { resource: 'members', action: 'read' } as const
const writes = { resource: 'members', action: 'write' } as const

/** Calls about members and hosts of clusters, and who belongs to which. */
export const memberCalls = {
  members: managerCall(
    reads,
    adminCall({
      method: 'GET',
      path: '/api/v1/members',
      summary: 'services that have joined, page by page',
      query: {
        ...pageQuery,
        cluster: 'only those of this cluster',
        kind: `only those of a kind: ${memberKinds.join(', ')}`,
        state: `only those that are ${memberStates.join(', ')}`,
      },
      codes: ['REQUEST_INVALID', 'CLUSTER_UNKNOWN', 'PAGINATION_NUMBER_INVALID'],
      answer: z.object({ members: list(memberSchema, MAX_PAGE), next: idSchema.optional() }),
    }),
  ),
  member: managerCall(
    reads,
    adminCall({
      method: 'GET',
      path: '/api/v1/members/:member',
      summary: 'one service that has joined',
      codes: ['MEMBER_UNKNOWN'],
      answer: memberSchema,
    }),
  ),
  forgetMember: managerCall(
    writes,
    adminCall({
      method: 'DELETE',
      path: '/api/v1/members/:member',
      summary: 'forgets a member: its credential is good no more',
      codes: ['MEMBER_UNKNOWN'],
    }),
  ),
  hosts: managerCall(
    reads,
    adminCall({
      method: 'GET',
      path: '/api/v1/hosts',
      summary: 'agents and origins that the trackers know, page by page',
      query: {
        ...pageQuery,
        cluster: 'only those of this cluster',
        zone: 'only those of this zone',
        version: 'only those of this version',
        state: `only those that are ${hostStates.join(', ')}`,
        role: 'only agents or origins: agent, origin',
        behind: 'only those that run an older generation of settings than they should: true',
        text: 'only those whose address, id or zone has this in it',
      },
      codes: ['REQUEST_INVALID', 'CLUSTER_UNKNOWN', 'PAGINATION_NUMBER_INVALID'],
      answer: z.object({ hosts: list(hostSchema, MAX_PAGE), next: text(128).optional() }),
    }),
  ),
  assignment: managerCall(
    'none',
    adminCall({
      method: 'GET',
      path: '/api/v1/assignment',
      summary: 'the cluster of a client or agent, and alternatives in order',
      query: {
        address: 'of the client; default: where the request comes from',
        zone: 'where it is',
        host: 'its host name',
      },
      codes: ['REQUEST_INVALID', 'ASSIGNMENT_NONE', 'JOIN_REFUSED', 'TOOMANYREQUESTS'],
      answer: assignmentSchema,
    }),
  ),
}
