import type { AdminCalls, AnswerOf } from '../../../lib/api/index.ts'

/** How a call of an admin API is offered to people; `name` of the call and its words follow from the call itself. */
export interface Verb<Answer = never> {
  /** What follows `shoal admin SERVICE` in the example of its help. */
  readonly example: string
  /** Further words for its help. */
  readonly note?: string
  /** The answer for people; without it what the service answers is that it is done. */
  show?(answer: Answer, nowMs: number): string
}

/** A verb for every call of an API: one that is missing does not compile. */
export type VerbsOf<Calls extends AdminCalls> = {
  readonly [Name in keyof Calls]: Verb<AnswerOf<Calls[Name]>>
}

/** As it is typed: `scrubNow` is `scrub-now`. */
export const verbName = (call: string): string => call.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
