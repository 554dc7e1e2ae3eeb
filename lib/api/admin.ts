import type { z } from 'zod'
import type { AbortOptions, ErrorCode } from '../base/index.ts'
import { type Exchange, type HttpClient, type HttpMethod, type Route, readJson } from '../http/index.ts'
import { jsonBody, send, sendForJson, sendForNothing } from './answer.ts'
import { query, path as segment } from './path.ts'
import { type ReceivedEvent, receivedEvents } from './received-events.ts'
import { parseBody } from './schemas.ts'

/** Most bytes of the body of an admin call. */
const MAX_BODY_BYTES = 256 * 1024
/** A stream of events that is silent for so long is broken: the service sends a sign of life every 10 s. */
const STREAM_IDLE_MS = 30_000

/** One route of an admin API: its path, its input and its answer. */
export interface AdminCall<
  Path extends string = string,
  Query extends string = string,
  Answer = unknown,
  Body extends z.ZodType | undefined = z.ZodType | undefined,
> {
  readonly method: Exclude<HttpMethod, 'HEAD'>
  readonly path: Path
  /** One line that says what it does. */
  readonly summary: string
  /** The allowed query parameters, and what each is for. */
  readonly query: Readonly<Record<Query, string>>
  /** Schema of the JSON that it takes; undefined when it takes none. */
  readonly body: Body
  readonly status: number
  /** Schema of the answer, or of each event of a stream; undefined when the answer has no body. */
  readonly answer: z.ZodType<Answer> | undefined
  /** The answer is a stream of server-sent events. */
  readonly stream?: boolean
  /** Codes of its errors, besides those that every route has. */
  readonly codes: readonly ErrorCode[]
}

export type AdminCalls = Readonly<Record<string, AdminCall>>

type CallInit<Path extends string, Query extends string, Answer, Body extends z.ZodType | undefined> = Pick<
  AdminCall<Path, Query, Answer, Body>,
  'method' | 'path' | 'summary'
> &
  Partial<Pick<AdminCall<Path, Query, Answer, Body>, 'query' | 'body' | 'status' | 'answer' | 'codes'>>

/** A call with the usual defaults: status 200 with an answer, 204 without. */
export const adminCall = <
  const Path extends string,
  const Query extends string = never,
  Answer = undefined,
  Body extends z.ZodType | undefined = undefined,
>(
  init: CallInit<Path, Query, Answer, Body>,
): AdminCall<Path, Query, Answer, Body> => ({
  query: {} as Readonly<Record<Query, string>>,
  codes: [],
  answer: undefined,
  body: undefined as Body,
  status: init.answer === undefined ? 204 : 200,
  ...init,
})

/** A call whose answer is a stream of server-sent events; `answer` is the schema of each. */
export const adminStream = <const Path extends string, const Query extends string = never, Answer = undefined>(
  init: CallInit<Path, Query, Answer, undefined>,
): AdminCall<Path, Query, Answer, undefined> & { readonly stream: true } => ({
  ...adminCall<Path, Query, Answer>(init),
  status: 200,
  stream: true,
})

/** The service's route for a call: who may only look may call what changes nothing. */
export const adminRoute = ({ method, path, summary }: AdminCall, handle: Route['handle']): Route => ({
  ...{ methods: [method], path, summary, handle },
  right: method === 'GET' ? 'inspect' : 'admin',
})

type ParamsOf<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParamsOf<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never

/** What a call takes as JSON, as the service reads it. @throws BODY_INVALID and names the wrong field */
export async function adminBody<Body extends z.ZodType>(
  call: { readonly body: Body },
  exchange: Exchange,
  { maxBytes = MAX_BODY_BYTES }: { readonly maxBytes?: number } = {},
): Promise<z.output<Body>> {
  return parseBody(call.body, await readJson(exchange, maxBytes)) as z.output<Body>
}

/** The JSON that a call takes, as callers give it. */
export type BodyOf<Call> = Call extends { readonly body: infer Body extends z.ZodType } ? z.input<Body> : undefined

/**
 * The input of a call: every parameter of its path, optional query parameters, its `body` if it takes one, and for a
 * stream the id of the last event that is known.
 */
type InputOf<Call> =
  Call extends AdminCall<infer Path, infer Query>
    ? Readonly<Record<ParamsOf<Path>, string>> &
        (string extends Query ? unknown : Readonly<Partial<Record<Query, string | undefined>>>) &
        (Call extends { readonly body: z.ZodType } ? { readonly body: BodyOf<Call> } : unknown) &
        (Call extends { readonly stream: true } ? { readonly lastId?: string | undefined } : unknown)
    : never

/** The type of a call's answer, or of each event of its stream, from its schema. */
export type AnswerOf<Call> = Call extends { readonly answer: z.ZodType<infer Answer> | undefined } ? Answer : never

/** What the function of a call returns: of a stream, an event at a time. */
type ReturnOf<Call> = Call extends { readonly stream: true }
  ? AsyncIterable<ReceivedEvent<AnswerOf<Call>>>
  : AnswerOf<Call>

/**
 * The calls of an admin API as functions. Each throws the error that the service answered, or an error of the HTTP
 * client.
 */
export type AdminClient<Calls extends AdminCalls> = {
  readonly [Name in keyof Calls]: (
    input: InputOf<Calls[Name]>,
    options?: AbortOptions,
  ) => Promise<ReturnOf<Calls[Name]>>
}

/** Parameters of the path and the query as text, and the `body`. */
type CallInput = Readonly<Record<string, unknown>>

async function sendCall(
  http: HttpClient,
  target: { readonly url: string; readonly call: AdminCall },
  input: CallInput,
  options: AbortOptions = {},
): Promise<unknown> {
  const { call, url } = target
  const given = (name: string) => input[name] as string | undefined
  const place = call.path.replace(/:(\w+)/g, (_, name: string) => segment`${given(name) ?? ''}`)
  const asked = query(Object.fromEntries(Object.keys(call.query).map((name) => [name, given(name)])))
  const body = call.body === undefined ? {} : jsonBody(input['body'])
  const request = { method: call.method, url: url + place + asked, signal: options.signal, ...body }
  if (call.stream === true && call.answer !== undefined) {
    const headers = { accept: 'text/event-stream', ...(given('lastId') && { 'last-event-id': given('lastId') ?? '' }) }
    return receivedEvents(await send(http, { ...request, headers, idleTimeoutMs: STREAM_IDLE_MS }), call.answer)
  }
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
    (input: CallInput, options?: AbortOptions) => sendCall(http, { url, call }, input, options),
  ])
  return Object.fromEntries(functions) as AdminClient<Calls>
}
