import type { AdminCalls, AdminClient, AnswerOf, BodyOf, trackerAdmin } from '../../../lib/api/index.ts'

/** Options of a command line, by their names. */
export type VerbOptions = Readonly<Record<string, string | undefined>>

/** How the command line offers a call of an admin API; the verb's name and arguments follow from the call itself. */
export interface Verb<Answer = never> {
  /** The words after `shoal admin SERVICE` in the example of the help. */
  readonly example: string
  /** Further text for the help. */
  readonly note?: string
  /** Options beside those of the query, and what each is for: the body is made of them. */
  readonly options?: Readonly<Record<string, string>>
  /** Options without a value, and what each is for. With `wait` the command waits for the end of what it began. */
  readonly flags?: Readonly<Record<string, string>>
  /** The JSON that the call takes, or a promise of it. @throws CONFIG_INVALID when an option is malformed */
  body?(options: VerbOptions): unknown
  /** Text of the answer for people; without this function the command only prints that it is done. */
  show?(answer: Answer, nowMs: number): string
  /** Lines for people until the end of what the call has answered. */
  wait?(service: AdminClient<typeof trackerAdmin>, answer: Answer): AsyncIterable<string>
}

/** A verb for every call of an API: a missing verb does not compile. */
export type VerbsOf<Calls extends AdminCalls> = {
  readonly [Name in keyof Calls]: Verb<AnswerOf<Calls[Name]>> &
    (BodyOf<Calls[Name]> extends undefined
      ? unknown
      : {
          body(options: VerbOptions): BodyOf<Calls[Name]> | Promise<BodyOf<Calls[Name]>>
        })
}

/** The verb as users type it: `scrubNow` becomes `scrub-now`. */
export const verbName = (call: string): string => call.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
