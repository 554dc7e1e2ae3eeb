import { z } from 'zod'
import { pullPageSchema, tracedPullSchema } from './agent-pulls.ts'
import { table, text } from './bounded.ts'

/** Limits of what admins ask hosts of their pulls, by a tracker; docs/limits.md gives the reasons. */
export const pullQuestionLimits = {
  /** Questions that a host hears with one answer. */
  maxAsked: 8,
  maxBodyBytes: 1024 * 1024,
} as const

/** Path of the tracker to which hosts bring their answers; docs/endpoints.md has a row. */
export const PULL_ANSWERS_PATH = '/orders/pulls'

const questionId = text(32)

/** What an admin asks a host of its pulls: one of them, or a page of those that fit. */
export const pullQuestionSchema = z.object({
  id: questionId,
  /** The pull. */
  pull: text(64).exactOptional(),
  /** As in the query of the agent's own list. */
  query: table(text(600), { max: 8, maxKey: 32 }),
})
export type PullQuestion = z.output<typeof pullQuestionSchema>

/** Failures that a host may tell of. */
export const pullFailures = ['BODY_INVALID', 'DIGEST_INVALID', 'PAGINATION_NUMBER_INVALID', 'PULL_UNKNOWN'] as const

/** What a host answers: a page, a pull, or why not. */
export const pullAnswerSchema = z.object({
  id: questionId,
  page: pullPageSchema.exactOptional(),
  pull: tracedPullSchema.exactOptional(),
  code: z.enum(pullFailures).exactOptional(),
})
export type PullAnswer = z.output<typeof pullAnswerSchema>

/** As it comes to a tracker, with the key of the host. */
export const toldPullAnswerSchema = pullAnswerSchema.extend({ key: text(255).min(16) })
export type ToldPullAnswer = z.output<typeof toldPullAnswerSchema>
