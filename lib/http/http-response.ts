import { appError, hasCode, parseJson } from '../base/index.ts'
import type { HttpResponse } from './http-client.ts'

/** Answers come from services that we chose to ask, and some are long lists. */
const MAX_ANSWER_VALUES = 1_000_000

const DISCARD_LIMIT = 256 * 1024

const readAll = async (body: HttpResponse['body'], limit: number): Promise<Uint8Array> => {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > limit)
      throw appError('BODY_TOO_LARGE', { message: 'the answer is larger than the limit', detail: { limit } })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size)
}

const joined = (headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> => {
  const out: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) out[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return out
}

/** Wraps a body as an answer. */
export function httpResponse(
  status: number,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: HttpResponse['body'],
): HttpResponse {
  const bytes = (limit: number) => readAll(body, limit)
  return {
    status,
    headers: joined(headers),
    body,
    bytes,
    async json(limit) {
      const text = new TextDecoder().decode(await bytes(limit))
      try {
        return parseJson(text, MAX_ANSWER_VALUES)
      } catch (err) {
        if (hasCode(err, 'BODY_INVALID')) throw err
        throw appError('BODY_INVALID', { message: 'the answer is not JSON', cause: err })
      }
    },
    async discard() {
      // The rest is usually short; a long rest is cheaper to cut off than to receive.
      await readAll(body, DISCARD_LIMIT).catch(() => undefined)
    },
  }
}
