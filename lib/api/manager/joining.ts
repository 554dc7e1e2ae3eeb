import { z } from 'zod'
import { type AdminClient, adminCall } from '../admin.ts'
import { table, text } from '../bounded.ts'

/** The services of a cluster that join a manager. Agents do not: their trackers know them. */
export const memberKinds = ['tracker', 'origin', 'buildIndex', 'proxy'] as const
export type MemberKind = (typeof memberKinds)[number]

/** Numbers of one heartbeat: room, blobs, and what else a service tells of itself. */
const MAX_FACTS = 32
const MAX_URL = 2048

const urlSchema = text(MAX_URL)
  .regex(/^https?:\/\/[^\s/?#@]+$/, 'an address is like https://host:port')
  .refine((url) => URL.canParse(url), 'an address has a host and a port that can be')
const nameSchema = text(128).min(1)
const secretSchema = text(256).min(16)
const factsSchema = table(z.number(), { max: MAX_FACTS, maxKey: 64 })

const memberFactsSchema = {
  version: text(64),
  zone: text(255).optional(),
  network: text(63).optional(),
  uptimeMs: z.number().min(0),
  /** Of the settings that it runs. */
  generation: z.number().int().min(0).optional(),
  capacity: factsSchema.optional(),
}

export const joinBodySchema = z.object({
  /** Of the cluster: the first time, and whenever the credential is not known any more. */
  token: secretSchema.optional(),
  /** What the manager answered the first time. */
  credential: secretSchema.optional(),
  kind: z.enum(memberKinds),
  /** Its name among those of its kind. */
  member: nameSchema,
  urls: z.object({
    ops: urlSchema,
    admin: urlSchema,
    /** What agents and services call; a proxy has none. */
    http: urlSchema.optional(),
  }),
  /** What its admin listener takes from the manager. */
  key: secretSchema,
  /** Its config allows the key on plain HTTP to another machine. */
  insecure: z.boolean().optional(),
  ...memberFactsSchema,
})
export type JoinBody = z.output<typeof joinBodySchema>

export const heartbeatBodySchema = z.object({
  credential: secretSchema,
  /** SHA-256, in hex, of what its admin listener takes now; older members do not say it. */
  keySha256: text(64)
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  ...memberFactsSchema,
})
export type HeartbeatBody = z.output<typeof heartbeatBodySchema>

const beatSchema = z.object({
  /** So long it waits until the next heartbeat. */
  heartbeatMs: z.number().int().min(100).max(3_600_000),
})

/** What services of clusters say to a manager. People do not call these, so `shoal admin` has no verbs for them. */
export const joiningCalls = {
  join: adminCall({
    method: 'POST',
    path: '/api/v1/join',
    summary: 'a service of a cluster joins, or says that it is back',
    body: joinBodySchema,
    codes: ['BODY_INVALID', 'JOIN_REFUSED', 'MEMBER_TAKEN', 'MEMBER_INSECURE', 'CLUSTER_FULL', 'TOOMANYREQUESTS'],
    answer: beatSchema.extend({
      cluster: text(64),
      /** Absent for who has shown one. */
      credential: secretSchema.optional(),
    }),
  }),
  heartbeat: adminCall({
    method: 'POST',
    path: '/api/v1/heartbeat',
    summary: 'a member lives, and says how it is',
    body: heartbeatBodySchema,
    codes: ['BODY_INVALID', 'JOIN_REFUSED', 'TOOMANYREQUESTS'],
    answer: beatSchema,
  }),
  leave: adminCall({
    method: 'POST',
    path: '/api/v1/leave',
    summary: 'a member stops, and comes back or not',
    body: z.object({ credential: secretSchema }),
    codes: ['BODY_INVALID', 'JOIN_REFUSED', 'TOOMANYREQUESTS'],
  }),
}

export type JoiningClient = AdminClient<typeof joiningCalls>
