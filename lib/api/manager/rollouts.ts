import { z } from 'zod'
import { adminCall } from '../admin.ts'
import { list, text } from '../bounded.ts'
import { managerCall } from './manager-call.ts'
import { rolloutPlanSchema } from './rollout-plan.ts'
import { reasonBodySchema } from './settings.ts'

/** Rows of one page of an answer. */
const MAX_ROWS = 1000

/**
 * `paused`: hosts that have the new version keep it, and it goes on when a person says so; `halted`: the same, as
 * something is wrong. `rollingBack`: the former version is wanted everywhere, and some hosts do not have it again yet.
 */
export const rolloutStates = ['running', 'paused', 'halted', 'rollingBack', 'rolledBack', 'done'] as const
export type RolloutState = (typeof rolloutStates)[number]

/** Why a roll-out has halted by itself. */
export const haltCodes = ['HOSTS_REFUSE', 'HEALTH_WORSE', 'HOSTS_SLOW', 'HOSTS_GONE'] as const
export type HaltCode = (typeof haltCodes)[number]

const countSchema = z.number().int().min(0)
const timeSchema = z.number()
const countsSchema = z.object({ pulls: countSchema, errors: countSchema, stalls: countSchema })

/** What is seen of the hosts of a step. */
const lookSchema = z.object({
  /** Those that were there when it began; of them: not applied yet, and no more there. */
  hosts: countSchema,
  behind: countSchema,
  gone: countSchema,
  /** Hosts that cannot apply it. */
  refused: countSchema,
  /** Since the step began: hosts that have the new version, and the others. */
  those: countsSchema,
  others: countsSchema,
  comparison: z.enum(['worse', 'tooFew', 'good']),
  /** Whether every cluster has been seen. */
  isWhole: z.boolean(),
})
export type RolloutLook = z.output<typeof lookSchema>

const rolloutSchema = z.object({
  id: text(64),
  scope: text(300),
  kind: text(32),
  /** Absent: there was none before. */
  from: countSchema.optional(),
  to: countSchema,
  state: z.enum(rolloutStates),
  /** Of the present step, counted from 1. */
  step: countSchema,
  steps: countSchema,
  /** Why it has halted by itself. */
  halt: z.enum(haltCodes).optional(),
  /** All hosts of the step have applied it, and it soaks. */
  settled: z.boolean(),
  /** Since when it soaks, or waits for hosts. */
  sinceMs: timeSchema,
  madeAtMs: timeSchema,
  endedAtMs: timeSchema.optional(),
  plan: rolloutPlanSchema,
})
export type RolloutAnswer = z.output<typeof rolloutSchema>

const stepRowSchema = z.object({
  step: countSchema,
  beganAtMs: timeSchema,
  endedAtMs: timeSchema.optional(),
  look: lookSchema.optional(),
})

const eventSchema = z.object({
  id: text(64),
  atMs: timeSchema,
  actor: text(255),
  /** `begin`, `step`, `pause`, `resume`, `halt`, `rollBack`, `rolledBack`, `done`. */
  act: text(16),
  step: countSchema,
  reason: text(500),
  look: lookSchema.optional(),
})
export type RolloutEvent = z.output<typeof eventSchema>

const pageQuery = {
  n: 'entries on one page',
  last: 'continue after this entry: `next` of the page before',
}
const readers = { resource: 'settings', action: 'read' } as const
const writers = { resource: 'settings', action: 'write' } as const

/** A call by which somebody changes the course of a roll-out. */
const act = <const Name extends string>(name: Name, summary: string) =>
  managerCall(
    writers,
    adminCall({
      method: 'POST',
      path: `/api/v1/rollouts/:id/${name}` as const,
      summary,
      body: reasonBodySchema,
      codes: ['BODY_INVALID', 'ROLLOUT_STATE', 'ROLLOUT_UNKNOWN'],
      answer: rolloutSchema,
    }),
  )

/** Roll-outs of settings: part of the API of a manager. */
export const rolloutCalls = {
  rollouts: managerCall(
    readers,
    adminCall({
      method: 'GET',
      path: '/api/v1/rollouts',
      summary: 'roll-outs of settings, the newest first, page by page',
      query: { ...pageQuery, state: `only those in this state: ${rolloutStates.join(', ')}` },
      codes: ['PAGINATION_NUMBER_INVALID', 'REQUEST_INVALID'],
      answer: z.object({ rollouts: list(rolloutSchema, MAX_ROWS), next: text(64).optional() }),
    }),
  ),
  rollout: managerCall(
    readers,
    adminCall({
      method: 'GET',
      path: '/api/v1/rollouts/:id',
      summary: 'one roll-out: how far it is, and what was seen at each step',
      codes: ['ROLLOUT_UNKNOWN'],
      answer: rolloutSchema.extend({ history: list(stepRowSchema, MAX_ROWS) }),
    }),
  ),
  rolloutEvents: managerCall(
    readers,
    adminCall({
      method: 'GET',
      path: '/api/v1/rollouts/:id/events',
      summary: 'what happened in a roll-out: who, when, why, and the numbers then; page by page',
      query: pageQuery,
      codes: ['PAGINATION_NUMBER_INVALID', 'ROLLOUT_UNKNOWN'],
      answer: z.object({ events: list(eventSchema, MAX_ROWS), next: text(64).optional() }),
    }),
  ),
  pauseRollout: act('pause', 'lets a roll-out begin no further step'),
  resumeRollout: act('resume', 'lets a roll-out go on that is paused or halted'),
  haltRollout: act('halt', 'stops a roll-out where it is'),
  rollBack: act('roll-back', 'makes the former version the wanted one everywhere, at once'),
}
