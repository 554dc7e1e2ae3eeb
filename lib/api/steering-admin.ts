import { z } from 'zod'
import { adminCall } from './admin.ts'
import { list, table, text } from './bounded.ts'
import { steeringBodySchema, steeringDocumentSchema, steeringLimits } from './steering.ts'
import { steeringHealthSchema } from './steering-words.ts'

/** Entries of one list in an answer, and generations and codes that a summary tells apart. */
const MAX_ENTRIES = 1_000
const MAX_CODES = 256

const countSchema = z.number().int().min(0)
const nameSchema = text(255)

/** At which trackers of the cluster a change holds; the others get it as soon as they can be reached. */
export const holdsSchema = z.object({ at: countSchema, of: countSchema, missing: list(text(128), 1000) })
export type Holds = z.output<typeof holdsSchema>

/**
 * `waiting`: it was not told yet, or has not answered. `unable`: its version knows no such settings. `away`: it has not been
 * heard of for a while, nor has it failed.
 */
export const steeredStates = ['applied', 'failed', 'waiting', 'unable', 'away'] as const
export type SteeredState = (typeof steeredStates)[number]

const heldSchema = z.object({
  term: countSchema,
  /** 0: nobody holds settings. */
  generation: countSchema,
  atMs: z.number(),
  /** The tracker that took it. */
  by: text(128),
  document: steeringDocumentSchema.optional(),
  /** What became of it at this tracker itself. */
  tracker: z.object({ state: z.enum(['applied', 'failed']), code: text(64).optional(), message: text(200).optional() }),
  /**
   * Whether it has run for so long that it has heard of all hosts; absent from trackers of an earlier version, and from
   * answers to changes.
   */
  isWhole: z.boolean().optional(),
})

/** Which settings a host runs. */
const runKeys = {
  state: z.enum(steeredStates),
  /** The generation that it runs; 0 when it runs none. */
  generation: countSchema,
  /** Why it could not apply what it was told. */
  code: text(64).optional(),
  message: text(200).optional(),
  seenAtMs: z.number(),
}
export const runSettingsSchema = z.object(runKeys)
export type RunSettings = z.output<typeof runSettingsSchema>

const hostSchema = z.object({
  id: nameSchema,
  kind: text(32),
  /** Of agents. */
  peerId: text(40).optional(),
  address: text(45),
  zone: nameSchema.optional(),
  /** Its label `host`. */
  label: nameSchema.optional(),
  /** The version of shoal that it runs; absent from those that do not say it. */
  shoal: text(64).optional(),
  ...runKeys,
  /** Pulls since it took its settings; absent from those that do not say it. */
  health: steeringHealthSchema.optional(),
  /** The layers that hold for it. */
  layers: list(text(64), steeringLimits.maxLayers),
})
export type SteeredHostAnswer = z.output<typeof hostSchema>

const groupSchema = z.object({
  hosts: countSchema,
  states: z.object({
    applied: countSchema,
    failed: countSchema,
    waiting: countSchema,
    unable: countSchema,
    away: countSchema,
  }),
  /** Of all of them together. */
  health: steeringHealthSchema,
})
export type SteeredGroup = z.output<typeof groupSchema>

/** How a fleet is steered: part of the admin API of a tracker. */
export const steeringCalls = {
  steering: adminCall({
    method: 'GET',
    path: '/steering',
    summary: 'the settings that a manager holds, and whether this tracker itself could apply its part',
    answer: heldSchema,
  }),
  steer: adminCall({
    method: 'PUT',
    path: '/steering',
    summary: 'gives a later generation of settings to all services; every tracker gets it, and hands it out',
    body: steeringBodySchema,
    codes: ['BODY_INVALID', 'CHANGED_MEANWHILE', 'STEERING_HELD', 'STEERING_STALE'],
    answer: heldSchema.extend({ holds: holdsSchema }),
  }),
  unsteer: adminCall({
    method: 'DELETE',
    path: '/steering',
    summary:
      'lets go of all these settings: every service goes back to its file, a tracker to what its admins have set',
    codes: ['STEERING_UNKNOWN', 'CHANGED_MEANWHILE'],
    answer: heldSchema.extend({ holds: holdsSchema }),
  }),
  steeringHosts: adminCall({
    method: 'GET',
    path: '/steering/hosts',
    summary: 'which settings each host runs, and how its pulls go since, page by page',
    query: {
      n: 'entries on one page',
      last: 'continue after this entry: `next` of the page before',
      state: 'only those that are applied, failed, waiting, unable or away',
      layer: 'only those for which this layer holds',
      kind: 'only those of this kind: agent, origin, build-index',
    },
    codes: ['REQUEST_INVALID'],
    answer: z.object({ hosts: list(hostSchema, MAX_ENTRIES), next: nameSchema.optional() }),
  }),
  steeringSummary: adminCall({
    method: 'GET',
    path: '/steering/summary',
    summary: 'by how many hosts the settings are applied, and how pulls go where a layer holds and where not',
    answer: z.object({
      manager: nameSchema.optional(),
      term: countSchema,
      generation: countSchema,
      all: groupSchema,
      /** Hosts by the generation that they run, the latest first. */
      generations: list(z.object({ generation: countSchema, hosts: countSchema }), MAX_ENTRIES),
      /** How many hosts have failed with which code. */
      failures: table(countSchema, { max: MAX_CODES, maxKey: 64 }),
      layers: list(
        z.object({ id: text(64), kind: text(32), generation: countSchema, with: groupSchema, without: groupSchema }),
        steeringLimits.maxLayers,
      ),
    }),
  }),
}
