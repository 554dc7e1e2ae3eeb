import { z } from 'zod'
import { opaque, table, text } from './bounded.ts'
import { steeringLimits } from './steering.ts'

const countSchema = z.number().int().min(0)

/**
 * Which document it is, in the order in which documents follow each other: a new term begins when settings are let go of,
 * within it counts the generation; of two of one generation, which trackers took apart from each other, the later one.
 */
export const steeringVersionSchema = z.object({
  term: countSchema,
  /** 0: the settings were let go of. */
  generation: countSchema,
  atMs: countSchema,
  /** The tracker that took it. */
  by: text(128),
})
export type SteeringVersion = z.output<typeof steeringVersionSchema>

/** That of a tracker or a host that has never heard of any document. */
export const noSteering: SteeringVersion = { term: 0, generation: 0, atMs: 0, by: '' }

/** Below 0 when `a` comes before `b`, 0 when they are the same. */
export function compareSteering(a: SteeringVersion, b: SteeringVersion): number {
  const by = a.by < b.by ? -1 : Number(a.by > b.by)
  return a.term - b.term || a.generation - b.generation || a.atMs - b.atMs || by
}

/** Values of any kind, which the host judges. */
const valuesSchema = table(opaque(), { max: steeringLimits.maxValues, maxKey: 64 })

/** What a tracker tells a host of its settings. */
export const steeringWordSchema = z.object({
  version: steeringVersionSchema,
  /** Empty when nobody holds settings. */
  manager: text(255),
  /** Of the values of this host. */
  hash: text(64),
  /** Absent when the host has them. */
  values: valuesSchema.exactOptional(),
})
export type SteeringWord = z.output<typeof steeringWordSchema>

/** What became of the pulls of a host since it took its settings. */
export const steeringHealthSchema = z.object({
  done: countSchema,
  /** Those that stalled among them. */
  failed: countSchema,
  stalled: countSchema,
})
export type SteeringHealth = z.output<typeof steeringHealthSchema>

/** What a host tells a tracker of its settings. */
export const steeringReportSchema = z.object({
  /** Of the last ones that it has taken, or tried to. */
  version: steeringVersionSchema,
  hash: text(64),
  state: z.enum(['applied', 'failed']),
  /** Why it could not; those from before hold, of which this is the generation. */
  code: text(64).exactOptional(),
  message: text(200).exactOptional(),
  runs: countSchema,
  health: steeringHealthSchema,
})
export type SteeringReport = z.output<typeof steeringReportSchema>

/** What a host keeps over a restart. */
export const keptSteeringSchema = z.object({
  version: steeringVersionSchema,
  manager: text(255),
  values: valuesSchema,
})
export type KeptSteering = z.output<typeof keptSteeringSchema>
