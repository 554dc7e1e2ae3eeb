import { z } from 'zod'
import { list } from '../bounded.ts'

/** Steps of one roll-out. */
const MAX_STEPS = 20
/** Hosts of a step that is given as a number. */
const MAX_STEP_HOSTS = 200
/** A week, in seconds. */
const MAX_SECONDS = 604_800

/** How many hosts have the new version when the step is done: those of the steps before are among them. */
const stepSchema = z.union([
  z.strictObject({ hosts: z.number().int().min(1).max(MAX_STEP_HOSTS) }),
  z.strictObject({ percent: z.number().gt(0).max(100) }),
])
export type RolloutStep = z.output<typeof stepSchema>

/** The last step has everybody, and steps of the same sort rise. */
function checkSteps(steps: readonly RolloutStep[], ctx: z.RefinementCtx): void {
  const complain = (message: string) => ctx.addIssue({ code: 'custom', message })
  const rises = (sizes: readonly number[]) => sizes.every((size, at) => at === 0 || size > (sizes[at - 1] ?? 0))
  const last = steps.at(-1)
  if (last === undefined || !('percent' in last) || last.percent !== 100) complain('the last step is percent 100')
  const percents = steps.flatMap((step) => ('percent' in step ? [step.percent] : []))
  const hosts = steps.flatMap((step) => ('hosts' in step ? [step.hosts] : []))
  if (!rises(percents) || !rises(hosts)) complain('each step has more hosts than the one before')
}

const limitKeys = {
  /** How long a step goes well before the next begins. */
  soakSeconds: z.number().min(0).max(MAX_SECONDS),
  /** How long hosts may take to apply it. */
  applySeconds: z.number().min(1).max(MAX_SECONDS),
  /** Hosts that may refuse it. */
  maxRefused: z.number().int().min(0).max(1_000_000),
  /** Of 100 hosts that have it, so many may go away. */
  gonePerHundred: z.number().min(0).max(100),
  /** A step waits until so many pulls have ended at its hosts; fewer say nothing. */
  minPulls: z.number().int().min(0).max(1_000_000),
  /** So many more errors, or stalls, per 100 pulls are let pass. */
  errorsPerHundred: z.number().min(0).max(100),
  stallsPerHundred: z.number().min(0).max(100),
  /** A rise counts when chance alone gives one as large less often than this. */
  chance: z.number().gt(0).max(0.5),
  /** After a halt the former settings come back without a person. */
  rollBack: z.boolean(),
}

export const rolloutPlanSchema = z.object({ steps: list(stepSchema, MAX_STEPS), ...limitKeys })
/** Steps and limits of a roll-out. */
export type RolloutPlan = z.output<typeof rolloutPlanSchema>

/** What is left out is as in the config of the manager. */
export const planBodySchema = z.strictObject({
  steps: list(stepSchema, MAX_STEPS).superRefine(checkSteps),
  ...(Object.fromEntries(Object.entries(limitKeys).map(([key, schema]) => [key, schema.optional()])) as {
    [Key in keyof typeof limitKeys]: z.ZodOptional<(typeof limitKeys)[Key]>
  }),
})
export type PlanBody = z.output<typeof planBodySchema>
