/** One page of a list in the order of its keys, and where the next one begins. */
export interface KeyedPage<Row> {
  readonly rows: readonly Row[]
  readonly next?: string | undefined
}

/**
 * Pages of several lists as one page, in the order of their keys. Rows with one key stay together, so a page may have more
 * rows than were asked for. A list that has more says nothing of what lies behind its page: the page ends there at the latest.
 */
export function mergedPage<Row>(
  pages: readonly KeyedPage<Row>[],
  { count, keyOf }: { readonly count: number; readonly keyOf: (row: Row) => string },
): KeyedPage<Row> {
  const ends = pages.flatMap(({ next }) => (next === undefined ? [] : [next])).toSorted()
  const [firstEnd] = ends
  const all = pages
    .flatMap(({ rows }) => rows)
    .filter((row) => firstEnd === undefined || keyOf(row) <= firstEnd)
    .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0))
  const edge = all[count - 1]
  const rows = edge === undefined ? all : all.filter((row) => keyOf(row) <= keyOf(edge))
  const last = rows.at(-1)
  if (rows.length < all.length && last !== undefined) return { rows, next: keyOf(last) }
  return firstEnd === undefined ? { rows } : { rows, next: firstEnd }
}
