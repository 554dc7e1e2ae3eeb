import type { AdminCalls, AnswerOf, BodyOf } from '../../../lib/api/index.ts'

/** How the command line offers a call of an admin API; the verb's name and arguments follow from the call itself. */
export interface Verb<Answer = never, Body = unknown> {
  /** The words after `shoal admin SERVICE` in the example of the help. */
  readonly example: string
  /** Further text for the help. */
  readonly note?: string
  /** Options beside those of the query, and what each is for: the body is made of them. */
  readonly options?: Readonly<Record<string, string>>
  /** The JSON that the call takes. @throws CONFIG_INVALID when an option is malformed */
  body?(options: Readonly<Record<string, string | undefined>>): Body
  /** Text of the answer for people; without this function the command only prints that it is done. */
  show?(answer: Answer, nowMs: number): string
}

/** A verb for every call of an API: a missing verb does not compile. */
export type VerbsOf<Calls extends AdminCalls> = {
  readonly [Name in keyof Calls]: Verb<AnswerOf<Calls[Name]>, BodyOf<Calls[Name]>> &
    (BodyOf<Calls[Name]> extends undefined
      ? unknown
      : Required<Pick<Verb<AnswerOf<Calls[Name]>, BodyOf<Calls[Name]>>, 'body'>>)
}

/** The verb as users type it: `scrubNow` becomes `scrub-now`. */
export const verbName = (call: string): string => call.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
