import { createHash } from 'node:crypto'
import { appError } from '../base/index.ts'
import { sendBytes, sendEmpty } from './answers.ts'
import { entityTag, ifMatchHolds, ifNoneMatchHits } from './conditions.ts'
import type { Exchange } from './route.ts'

const tagOf = (body: Uint8Array): string => createHash('sha256').update(body).digest('hex').slice(0, 32)

/** Answers with JSON and its `ETag`; 304 to who has it already. What is told `beside` it does not count for the tag. */
export function sendTagged(
  exchange: Pick<Exchange, 'method' | 'req' | 'res'>,
  value: object,
  beside: object = {},
): void {
  const body = Buffer.from(JSON.stringify({ ...value, ...beside }))
  const tag = tagOf(Buffer.from(JSON.stringify(value)))
  const headers = { etag: entityTag(tag), 'cache-control': 'private, no-cache' }
  if (ifNoneMatchHits(exchange.req.headers['if-none-match'], tag)) sendEmpty(exchange, 304, headers)
  else sendBytes(exchange, { status: 200, headers: { 'content-type': 'application/json', ...headers }, body })
}

/**
 * Before a change: what the caller has seen is still so.
 * @throws CHANGED_MEANWHILE when its `If-Match` is of another value than `value`, which is what it would be told now; null or
 * undefined when there is nothing, which is what no `If-Match` means, `*` neither
 */
export function requireSeen({ req }: Pick<Exchange, 'req'>, value: unknown): void {
  const isThere = value !== null && value !== undefined
  if (!isThere && req.headers['if-match'] === undefined) return
  if (isThere && ifMatchHolds(req.headers['if-match'], tagOf(Buffer.from(JSON.stringify(value))))) return
  throw appError('CHANGED_MEANWHILE')
}
