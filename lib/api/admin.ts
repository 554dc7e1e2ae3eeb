import type { z } from 'zod'
import type { AbortOptions, ErrorCode } from '../base/index.ts'
import type { HttpClient, HttpMethod, Route } from '../http/index.ts'
import { sendForJson, sendForNothing } from './answer.ts'
import { query, path as segment } from './path.ts'

/** One route of an admin API: its path, its input and its answer. */
export interface AdminCall<Path extends string = string, Query extends string = string, Answer = unknown> {
  readonly method: Exclude<HttpMethod, 'HEAD'>
  readonly path: Path
  /** One line that says what it does. */
  readonly summary: string
  /** The allowed query parameters, and what each is for. */
  readonly query: Readonly<Record<Query, string>>
  readonly status: number
  /** Schema of the answer; undefined when the answer has no body. */
  readonly answer: z.ZodType<Answer> | undefined
  /** Codes of its errors, besides those that every route has. */
  readonly codes: readonly ErrorCode[]
}

export type AdminCalls = Readonly<Record<string, AdminCall>>

type CallInit<Path extends string, Query extends string, Answer> = Pick<
  AdminCall<Path, Query, Answer>,
  'method' | 'path' | 'summary'
> &
  Partial<Pick<AdminCall<Path, Query, Answer>, 'query' | 'status' | 'answer' | 'codes'>>

/** A call with the usual defaults: status 200 with an answer, 204 without. */
export const adminCall = <const Path extends string, const Query extends string = never, Answer = undefined>(
  init: CallInit<Path, Query, Answer>,
): AdminCall<Path, Query, Answer> => ({
  query: {} as Readonly<Record<Query, string>>,
  codes: [],
  answer: undefined,
  status: init.answer === undefined ? 204 : 200,
  ...init,
})

/** The service's route for a call. */
export const adminRoute = ({ method, path, summary }: AdminCall, handle: Route['handle']): Route => ({
  ...{ methods: [method], path, summary, handle },
  right: 'admin',
})

type ParamsOf<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParamsOf<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never

/** The input of a call: every parameter of its path, and optional query parameters. */
type InputOf<Call> =
  Call extends AdminCall<infer Path, infer Query>
    ? Readonly<Record<ParamsOf<Path>, string>> & Readonly<Partial<Record<Query, string | undefined>>>
    : never

/** The type of a call's answer, from its schema. */
export type AnswerOf<Call> = Call extends { readonly answer: z.ZodType<infer Answer> | undefined } ? Answer : never

/**
 * The calls of an admin API as functions. Each throws the error that the service answered, or an error of the HTTP
 * client.
 */
export type AdminClient<Calls extends AdminCalls> = {
  readonly [Name in keyof Calls]: (
    input: InputOf<Calls[Name]>,
    options?: AbortOptions,
  ) => Promise<AnswerOf<Calls[Name]>>
}

async function sendCall(
  http: HttpClient,
  target: { readonly url: string; readonly call: AdminCall },
  input: Readonly<Record<string, string | undefined>>,
  options: AbortOptions = {},
): Promise<unknown> {
  const { call, url } = target
  const place = call.path.replace(/:(\w+)/g, (_, name: string) => segment`${input[name] ?? ''}`)
  const asked = query(Object.fromEntries(Object.keys(call.query).map((name) => [name, input[name]])))
  const request = { method: call.method, url: url + place + asked, signal: options.signal }
  if (call.answer === undefined) return sendForNothing(http, request, call.status)
  return sendForJson(http, request, { schema: call.answer, status: call.status })
}

/** A client of an admin API; `url` is the base URL of its listener without a trailing slash. */
export function adminClient<const Calls extends AdminCalls>(
  http: HttpClient,
  url: string,
  calls: Calls,
): AdminClient<Calls> {
  const functions = Object.entries(calls).map(([name, call]) => [
    name,
    (input: Readonly<Record<string, string | undefined>>, options?: AbortOptions) =>
      sendCall(http, { url, call }, input, options),
  ])
  return Object.fromEntries(functions) as AdminClient<Calls>
}
