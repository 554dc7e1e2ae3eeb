import { z } from 'zod'
import { adminCall, adminStream } from './admin.ts'
import { list, opaque, table, text } from './bounded.ts'
import { fleetCalls } from './fleet-admin.ts'
import { hostPullCalls } from './host-pulls-admin.ts'
import { announceBounds } from './live-keys.ts'
import { adminApi } from './openapi.ts'
import { ringCalls } from './ring-admin.ts'
import { byteCountSchema, digestSchema } from './schemas.ts'
import { holdsSchema, runSettingsSchema, steeringCalls } from './steering-admin.ts'

/** Entries of one list in an answer; an answer of 4 MiB has no room for more. */
const MAX_ENTRIES = 10_000
/** Bans, or drains, of one tracker. */
const MAX_MARKS = 10_000

const countSchema = z.number().int().min(0)
const idSchema = text(40)
const targetSchema = text(45)
const reasonSchema = text(500)
/** Milliseconds since the epoch. */
const timeSchema = z.number()

export const swarmStates = ['downloading', 'starving', 'seeded'] as const

export const swarmSchema = z.object({
  swarmId: idSchema,
  /** Known when somebody has downloaded the blob by its digest. */
  digest: digestSchema.optional(),
  repositories: list(text(515), 64),
  /** `starving`: somebody downloads it, and nobody has the whole of it. */
  state: z.enum(swarmStates),
  downloads: countSchema,
  /** Agents and origins that have the whole blob. */
  seeds: countSchema,
  origins: countSchema,
})

/** `out`: it is not named, as several askers have said that it is slow or fails; `probation`: it is named again. */
const healthSchema = z.object({
  state: z.enum(['good', 'out', 'probation']),
  why: text(500).optional(),
  untilMs: timeSchema.optional(),
})

export const peerSchema = z.object({
  peerId: idSchema,
  host: text(45),
  port: countSchema,
  role: text(16),
  zone: text(255).optional(),
  complete: z.boolean(),
  /** Bytes that it lacks, as of its last announce; absent when it has not said. */
  leftBytes: byteCountSchema.optional(),
  /** Absent from trackers that do not say it here. */
  health: healthSchema.optional(),
})

export const feedSchema = z.object({
  from: idSchema,
  to: idSchema,
  bytes: byteCountSchema,
  bytesPerSecond: byteCountSchema,
  failures: countSchema,
})

export const markSchema = z.object({
  target: targetSchema,
  reason: reasonSchema,
  by: text(64),
  atMs: timeSchema,
  untilMs: timeSchema.optional(),
})

export const hostSchema = z.object({
  peerId: idSchema,
  host: text(45),
  port: countSchema,
  role: text(16),
  zone: text(255).optional(),
  labels: table(text(255), { max: 64, maxKey: 255 }).optional(),
  spareBytesPerSecond: byteCountSchema.optional(),
  seenAtMs: timeSchema,
  health: healthSchema,
  bytesPerSecond: z.object({ in: byteCountSchema, out: byteCountSchema }),
  downloads: countSchema,
  seeds: countSchema,
  ban: markSchema.optional(),
  drain: markSchema.optional(),
  /** The version of shoal that it runs; absent when it has not said. */
  shoal: text(64).optional(),
  /** Which settings of a manager it runs; absent when it has not said. */
  settings: runSettingsSchema.optional(),
})

export const markBodySchema = z.object({
  reason: reasonSchema.min(1),
  /** Without it, until an admin takes it back. */
  minutes: z.number().int().min(1).max(525_600).optional(),
})

const intervalSchema = z.number().int().min(announceBounds.leastMs).max(announceBounds.mostMs)

/** What an admin may change while a tracker runs; what is left out is as in the config. */
export const trackerSettingsSchema = z.strictObject({
  policy: text(64).optional(),
  /** Announces that this tracker accepts per second. */
  perSecond: z.number().positive().max(announceBounds.mostPerSecond).optional(),
  minIntervalMs: intervalSchema.optional(),
  maxIntervalMs: intervalSchema.optional(),
})
export type TrackerSettings = z.output<typeof trackerSettingsSchema>

/** What a tracker keeps over a restart. */
export const trackerControlSchema = z.object({
  bans: list(markSchema, MAX_MARKS),
  drains: list(markSchema, MAX_MARKS),
  settings: trackerSettingsSchema,
})
export type TrackerControl = z.output<typeof trackerControlSchema>

const settingsAnswer = z.object({
  /** What an admin has set. */
  set: trackerSettingsSchema,
  /** Keys that a manager holds: what it says counts more. */
  held: list(text(64), 64).optional(),
  /** What holds now. */
  now: z.object({
    policy: text(64),
    perSecond: z.number(),
    minIntervalMs: countSchema,
    maxIntervalMs: countSchema,
  }),
  policies: list(text(64), 64),
})

const pageQuery = {
  n: 'entries on one page',
  last: 'continue after this entry: `next` of the page before',
}

/** Calls to set, list and take back marks of one kind. */
const marksOf = <const Path extends string>(
  path: Path,
  words: { readonly list: string; readonly set: string; readonly end: string },
) => ({
  list: adminCall({
    method: 'GET',
    path,
    summary: words.list,
    query: pageQuery,
    codes: ['REQUEST_INVALID'],
    answer: z.object({ marks: list(markSchema, MAX_MARKS), next: targetSchema.optional() }),
  }),
  set: adminCall({
    method: 'PUT',
    path: `${path}/:target` as const,
    summary: words.set,
    body: markBodySchema,
    codes: ['REQUEST_INVALID', 'CONTROL_FULL'],
    answer: markSchema.extend({ holds: holdsSchema }),
  }),
  end: adminCall({
    method: 'DELETE',
    path: `${path}/:target` as const,
    summary: words.end,
    codes: ['MARK_UNKNOWN', 'REQUEST_INVALID'],
    answer: z.object({ holds: holdsSchema }),
  }),
})

const bans = marksOf('/bans', {
  list: 'nodes that are banned',
  set: 'bans a node, or all nodes at an address: it is named to nobody, and its announces are refused',
  end: 'takes a ban back',
})
const drains = marksOf('/drains', {
  list: 'nodes that are being drained',
  set: 'drains a node, or all nodes at an address: no new downloads are sent to it, and it finishes what it gives',
  end: 'ends a drain',
})

/** The admin API of a tracker; docs/endpoints.md has a row for each call. */
export const trackerAdmin = adminApi({
  ...ringCalls,
  statistics: adminCall({
    method: 'GET',
    path: '/statistics',
    summary: 'how many swarms, downloads, nodes and seeds there are',
    answer: z.object({
      swarms: countSchema,
      downloads: countSchema,
      nodes: countSchema,
      seeds: countSchema,
      seededSwarms: countSchema,
      hosts: countSchema,
      bans: countSchema,
      drains: countSchema,
      /** Hosts that come here for orders. */
      listening: countSchema,
      /** Nodes by zone, of the zones with most of them; an empty name stands for no zone. */
      zones: table(countSchema, { max: MAX_ENTRIES, maxKey: 255 }),
      /** Zones that are not shown. */
      moreZones: countSchema,
    }),
  }),
  swarms: adminCall({
    method: 'GET',
    path: '/swarms',
    summary: 'swarms, page by page',
    query: {
      ...pageQuery,
      state: 'only those that are downloading, starving or seeded',
      digest: 'only those whose digest starts so',
      repository: 'only those known to be in this repository',
    },
    codes: ['REQUEST_INVALID'],
    answer: z.object({ swarms: list(swarmSchema, MAX_ENTRIES), next: idSchema.optional() }),
  }),
  swarm: adminCall({
    method: 'GET',
    path: '/swarms/:swarm',
    summary: 'one swarm, by its id or digest: its peers, page by page, and who feeds whom',
    query: pageQuery,
    codes: ['SWARM_UNKNOWN', 'REQUEST_INVALID'],
    answer: swarmSchema.extend({
      peers: list(peerSchema, MAX_ENTRIES),
      feeds: list(feedSchema, MAX_ENTRIES),
      next: idSchema.optional(),
    }),
  }),
  dropSwarm: adminCall({
    method: 'DELETE',
    path: '/swarms/:swarm',
    summary: 'forgets the downloads of a swarm; they come back with their next announces',
    codes: ['SWARM_UNKNOWN', 'REQUEST_INVALID'],
  }),
  hosts: adminCall({
    method: 'GET',
    path: '/hosts',
    summary: 'nodes that announce here, page by page',
    query: {
      ...pageQuery,
      zone: 'only those of this zone',
      role: 'only agents or origins: agent, origin',
      host: 'only those at this address',
      state: 'only those that are banned or draining',
    },
    codes: ['REQUEST_INVALID'],
    answer: z.object({ hosts: list(hostSchema, MAX_ENTRIES), next: idSchema.optional() }),
  }),
  host: adminCall({
    method: 'GET',
    path: '/hosts/:peer',
    summary: 'one node by its peer id: what it is, and what it has, page by page',
    query: pageQuery,
    codes: ['NODE_UNKNOWN', 'REQUEST_INVALID'],
    answer: hostSchema.extend({
      blobs: list(z.object({ swarmId: idSchema, digest: digestSchema.optional(), complete: z.boolean() }), MAX_ENTRIES),
      next: idSchema.optional(),
    }),
  }),
  ...hostPullCalls,
  bans: bans.list,
  ban: bans.set,
  unban: bans.end,
  drains: drains.list,
  drain: drains.set,
  undrain: drains.end,
  settings: adminCall({
    method: 'GET',
    path: '/settings',
    summary: 'what an admin has changed, and what holds now',
    answer: settingsAnswer,
  }),
  set: adminCall({
    method: 'PUT',
    path: '/settings',
    summary: 'changes what is given, now and after a restart; what is left out is as in the config again',
    body: trackerSettingsSchema,
    codes: ['BODY_INVALID', 'CHANGED_MEANWHILE', 'SETTING_HELD'],
    answer: settingsAnswer.extend({ holds: holdsSchema }),
  }),
  ...fleetCalls,
  ...steeringCalls,
  events: adminStream({
    method: 'GET',
    path: '/events',
    summary: 'joins, completions, bans, drains, settings and jobs as server-sent events, from Last-Event-ID on',
    query: { kinds: 'only events of these kinds, with commas between them' },
    codes: ['SHUTTING_DOWN', 'REQUEST_INVALID'],
    answer: table(opaque(), { max: 32, maxKey: 64 }),
  }),
})
