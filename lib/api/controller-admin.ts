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

/** Names, caches, or records in an answer. */
const MAX_ENTRIES = 10_000
const addressSchema = text(45)
const recordSchema = z.object({ name: text(255), address: addressSchema })

const namesSchema = z.object({
  /** The name of all caches. */
  base: text(255),
  /** Where the records are kept. */
  driver: text(32),
  /** `leader`: it writes. `last`: it takes out what does not answer, as long as the API server is silent. */
  power: z.enum(['leader', 'last', 'none']),
  /** When the zone took the last write, epoch milliseconds. */
  writtenAtMs: z.number().optional(),
  failure: z.object({ code: text(64), message: text(2048), atMs: z.number() }).optional(),
  /** What a leader would do next. */
  next: z.object({ put: list(recordSchema, MAX_ENTRIES), remove: list(recordSchema, MAX_ENTRIES) }),
  names: list(
    z.object({
      name: text(255),
      wanted: list(addressSchema, MAX_ENTRIES),
      published: list(z.object({ address: addressSchema, own: z.boolean() }), MAX_ENTRIES),
    }),
    MAX_ENTRIES,
  ),
  caches: list(
    z.object({
      pod: text(512),
      address: addressSchema.optional(),
      node: text(255).optional(),
      zone: text(255).optional(),
      kind: z.enum(['node', 'virtual']),
      /** Why no record names it. */
      why: text(32).optional(),
      bytesPerSecond: z.number().optional(),
    }),
    MAX_ENTRIES,
  ),
})

export type NamesStatus = z.output<typeof namesSchema>

const healthSchema = z.enum(['ready', 'progressing', 'degraded', 'waiting', 'paused', 'leaving'])
export type AccountHealth = z.output<typeof healthSchema>

const accountsSchema = z.object({
  /** Of the list: `fresh`, or what was known last. */
  known: z.enum(['none', 'fresh', 'lastKnown']),
  /** All of them, also those that are not shown. */
  total: z.number(),
  accounts: list(
    z.object({
      /** `namespace/name` of its resource. */
      account: text(MAX_NAME),
      /** Where its components are. */
      namespace: text(64).optional(),
      wantedVersion: text(128).optional(),
      /** That all of its components run, or ran last. */
      version: text(128).optional(),
      health: healthSchema,
      /** What is missing, in words. */
      missing: text(1024).optional(),
      size: list(z.object({ component: text(64), ready: z.number(), wanted: z.number() }), 16),
      lastError: z.object({ reason: text(64), message: text(1024), atMs: z.number() }).optional(),
    }),
    MAX_ENTRIES,
  ),
})

export type AccountsStatus = z.output<typeof accountsSchema>

/** The admin API of a controller; docs/endpoints.md has a row for each call. */
export const controllerAdmin = adminApi({
  leadership: adminCall({
    method: 'GET',
    path: '/leadership',
    summary: 'who leads, and what each role of this controller lacks',
    answer: leadershipSchema,
  }),
  names: adminCall({
    method: 'GET',
    path: '/names',
    summary: 'each name: what it is to have, what it has, and why caches are left out',
    codes: ['ROLE_OFF'],
    answer: namesSchema,
  }),
  accounts: adminCall({
    method: 'GET',
    path: '/accounts',
    summary: 'each account: its version, its health, its size, and its last error',
    codes: ['ROLE_OFF'],
    answer: accountsSchema,
  }),
})
