import { codeOf, hasCode } from '../../../lib/base/index.ts'
import type { HttpClient } from '../../../lib/http/index.ts'

const MAX_BODY = 4 * 1024 * 1024
const WAIT_MS = 5_000

/** An answer of a service, or why there is none. */
export type Answer =
  | { readonly status: number; readonly text: string; readonly dateMs: number | undefined }
  | { readonly code: string }

export const isThere = (answer: Answer): answer is Extract<Answer, { status: number }> => 'status' in answer

/** Why a URL could not be asked, for people. */
export const whyNot = (url: string, code: string): string =>
  code === 'REQUEST_TIMEOUT' ? `${url} is silent` : `nothing answers at ${url} (${code})`

/** Asks a URL; without `secret`, with none at all. Never throws. */
export async function ask(http: HttpClient, url: string, secret?: string): Promise<Answer> {
  try {
    const headers = secret === undefined ? {} : { headers: { authorization: `Bearer ${secret}` } }
    const answer = await http.request({
      method: 'GET',
      url,
      headersTimeoutMs: WAIT_MS,
      idleTimeoutMs: WAIT_MS,
      ...headers,
    })
    const text = Buffer.from(await answer.bytes(MAX_BODY)).toString()
    const date = Date.parse(answer.headers['date'] ?? '')
    return { status: answer.status, text, dateMs: Number.isNaN(date) ? undefined : date }
  } catch (err) {
    const code = codeOf(err) ?? 'UNKNOWN'
    return { code: hasCode(err, 'PEER_CLOSED') ? 'PEER_CLOSED' : code }
  }
}

/** The JSON of an answer; an empty object when it is none. */
export function jsonOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
