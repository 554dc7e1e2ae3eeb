import type { PageRequest } from '../../../lib/http/index.ts'

/** Rows of a page together, as JSON; a client reads no answer above 4 MiB. */
export const MAX_PAGE_BYTES = 2 * 1024 * 1024
/** Entries that are looked at for one page: behind them, a filter that fits few goes on with the next page. */
const MAX_LOOKS = 2048

export interface Listing<T, Row> {
  /** In the order of their keys, from where the page begins. */
  readonly items: Iterable<T>
  readonly keyOf: (item: T) => string
  /** Undefined for what is not shown. */
  readonly row: (item: T) => Row | undefined
}

/**
 * The rows of the first items, as many as were asked for, as have room, and as were found in a bounded time; `next` is
 * where the next page goes on, also when this one has few rows or none.
 */
export function pageOf<T, Row>(
  { items, keyOf, row }: Listing<T, Row>,
  { count }: Pick<PageRequest, 'count'>,
): { readonly page: readonly Row[]; readonly next: string | undefined } {
  const page: Row[] = []
  let [bytes, looks, last] = [0, 0, undefined as string | undefined]
  for (const item of items) {
    if (page.length === count || looks === MAX_LOOKS) return { page, next: last }
    looks += 1
    const shown = row(item)
    const size = shown === undefined ? 0 : Buffer.byteLength(JSON.stringify(shown))
    if (page.length > 0 && bytes + size > MAX_PAGE_BYTES) return { page, next: last }
    bytes += size
    if (shown !== undefined) page.push(shown)
    last = keyOf(item)
  }
  return { page, next: undefined }
}

/**
 * Of items in any order, those behind `last` that a page of them needs, in the order of their keys. Time grows with the
 * number of items, memory with `count`.
 */
export function inOrder<T>(
  items: Iterable<T>,
  keyOf: (item: T) => string,
  { count, last = '' }: PageRequest,
): readonly T[] {
  const held: { readonly key: string; readonly item: T }[] = []
  for (const item of items) {
    const key = keyOf(item)
    if (key <= last || (held.length > count && key >= (held.at(-1)?.key ?? ''))) continue
    let at = held.length
    while (at > 0 && key < (held[at - 1]?.key ?? '')) at -= 1
    held.splice(at, 0, { key, item })
    if (held.length > count + 1) held.pop()
  }
  return held.map(({ item }) => item)
}
