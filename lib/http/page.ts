import { appError } from '../base/index.ts'
import type { Headers } from './answers.ts'

/** The part of a list that a client asks for. */
export interface PageRequest {
  /** Number of items to return, at most the limit of the list; 0, where the list allows it, gives an empty page. */
  readonly count: number
  /** The last item of the previous page; undefined for the first page. */
  readonly last: string | undefined
}

export interface PageLimits {
  /** Largest page; a client that asks for more gets this many. */
  readonly max: number
  /** Number of items when the client gives none; default `max`. */
  readonly usual?: number
  /** Smallest number allowed; default 0. Use 1 for a list whose next page cannot be found from an empty page. */
  readonly least?: number
}

/**
 * Parses `n` and `last` of a query.
 * @throws PAGINATION_NUMBER_INVALID when `n` is not a whole number of at least `least`
 */
export function pageRequest(query: URLSearchParams, { max, usual = max, least = 0 }: PageLimits): PageRequest {
  const n = query.get('n')
  if (n !== null && (!/^\d{1,15}$/.test(n) || Number(n) < least)) {
    const message = `n must be a whole number of ${least} or more`
    throw appError('PAGINATION_NUMBER_INVALID', { message, detail: { n: n.slice(0, 32) } })
  }
  const last = query.get('last')
  return { count: Math.min(max, n === null ? usual : Number(n)), last: last === '' || last === null ? undefined : last }
}

/** The `Link` header to the next page, with `keep` in its query; none after the last page and none for an empty page, which has no next one. */
export function nextLink(
  path: string,
  items: readonly string[],
  { more, keep = {} }: { readonly more: boolean; readonly keep?: Readonly<Record<string, string>> },
): Headers {
  const last = items.at(-1)
  if (!more || last === undefined) return {}
  const query = new URLSearchParams({ ...keep, last, n: String(items.length) })
  return { link: `<${path}?${query.toString()}>; rel="next"` }
}
