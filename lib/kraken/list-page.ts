import { appError } from '../base/index.ts'
import { type Exchange, sendJson } from '../http/index.ts'

/** Names on one page, also for a client that names no limit: Kraken's own clients follow the links. */
const MAX_LIST = 1000

/** Which part of a list a client asks for, in Kraken's words. */
export interface ListRequest {
  /** At least 1. */
  readonly limit: number
  /** The last name of the page before; undefined for the first page. */
  readonly offset: string | undefined
}

/** One page of names; `offset` is where the next one goes on, undefined after the last. */
export interface ListPage {
  readonly names: readonly string[]
  readonly offset: string | undefined
}

type Asked = Pick<Exchange, 'query' | 'path' | 'rawQuery'>

/** @throws REQUEST_INVALID for a query that is not known, PAGINATION_NUMBER_INVALID for a limit that is no number above 0 */
export function listRequest({ query }: Pick<Asked, 'query'>): ListRequest {
  for (const key of query.keys()) {
    if ((key !== 'limit' && key !== 'offset') || query.getAll(key).length > 1) {
      throw appError('REQUEST_INVALID', { message: 'the query of a list is one limit and one offset' })
    }
  }
  const limit = query.get('limit')
  if (limit !== null && (!/^\d{1,15}$/.test(limit) || Number(limit) < 1)) {
    throw appError('PAGINATION_NUMBER_INVALID', { message: 'limit must be a whole number of 1 or more' })
  }
  return {
    limit: Math.min(MAX_LIST, limit === null ? MAX_LIST : Number(limit)),
    offset: query.get('offset') ?? undefined,
  }
}

/** Answers `{links: {next, self}, size, result}`; `next` is empty on the last page. */
export function sendList(exchange: Exchange, { names, offset }: ListPage): void {
  const { path, rawQuery } = exchange
  const self = rawQuery === '' ? path : `${path}?${rawQuery}`
  sendJson(exchange, 200, { links: { next: nextOf(exchange, offset), self }, size: names.length, result: names })
}

function nextOf({ path, query }: Asked, offset: string | undefined): string {
  if (offset === undefined) return ''
  const limit = query.get('limit')
  const asked = new URLSearchParams(limit === null ? { offset } : { limit, offset })
  return `${path}?${asked.toString()}`
}
