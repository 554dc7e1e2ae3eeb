import type { z } from 'zod'
import { errorFromResponse, type HttpClient, type HttpRequest, type HttpResponse } from '../http/index.ts'
import { parseAnswer } from './schemas.ts'

/** Largest JSON answer that a client reads, in bytes. */
export const MAX_ANSWER_BYTES = 4 * 1024 * 1024

/** Sends a request and accepts only the statuses in `expected`. @throws the error that the service answered */
export async function send(
  http: HttpClient,
  request: HttpRequest,
  expected: readonly number[] = [200],
): Promise<HttpResponse> {
  const response = await http.request(request)
  if (!expected.includes(response.status)) throw await errorFromResponse(response)
  return response
}

/** A request with a JSON answer. @throws the error that the service answered, UNKNOWN when the answer is malformed */
export async function sendForJson<T>(
  http: HttpClient,
  request: HttpRequest,
  answer: { readonly schema: z.ZodType<T>; readonly status?: number },
): Promise<T> {
  const response = await send(http, request, [answer.status ?? 200])
  return parseAnswer(answer.schema, await response.json(MAX_ANSWER_BYTES))
}

/** A request whose answer has no body of interest. @throws the error that the service answered */
export async function sendForNothing(http: HttpClient, request: HttpRequest, status = 204): Promise<void> {
  const response = await send(http, request, [status])
  await response.discard()
}

/** The headers and body of a JSON request. */
export function jsonBody(value: unknown): { headers: Record<string, string>; body: Uint8Array } {
  return { headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(value)) }
}
