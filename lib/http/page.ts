import { appError } from '../base/index.ts'
import type { Headers } from './answers.ts'

/** The part of a list that a client asks for. */
export interface PageRequest {
  /** Items wanted, at most the limit of the list; 0 where the list allows it is answered with an empty page. */
  readonly count: number
  /** The last item of the page before; undefined for the first page. */
  readonly last: string | undefined
}

export interface PageLimits {
  /** A client that asks for more gets so many. */
  readonly max: number
  /** When the client names no number; default `max`. */
  readonly usual?: number
  /** Default 0; 1 for a list whose next page could not be found from an empty one. */
  readonly least?: number
}

/** Reads `n` and `last` of a query. @throws PAGINATION_NUMBER_INVALID when `n` is not a whole number of at least `least` */
export function pageRequest(query: URLSearchParams, { max, usual = max, least = 0 }: PageLimits): PageRequest {
  const n = query.get('n')
  if (n !== null && (!/^\d{1,15}$/.test(n) || Number(n) < least)) {
    const message = `n must be a whole number of ${least} or more`
    throw appError('PAGINATION_NUMBER_INVALID', { message, detail: { n: n.slice(0, 32) } })
  }
  const last = query.get('last')
  return { count: Math.min(max, n === null ? usual : Number(n)), last: last === '' || last === null ? undefined : last }
}

/** `Link` to the page after this one; no header after the last page, nor after an empty one, which leads nowhere. */
export function nextLink(path: string, items: readonly string[], more: boolean): Headers {
  const last = items.at(-1)
  if (!more || last === undefined) return {}
  const query = new URLSearchParams({ last, n: String(items.length) })
  return { link: `<${path}?${query.toString()}>; rel="next"` }
}
