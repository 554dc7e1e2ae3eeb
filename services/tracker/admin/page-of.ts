/**
 * The first `count` items behind `last` in the order of their keys, without sorting all of them; `next` is where the next
 * page goes on. Time grows with the number of items, memory with `count`.
 */
export function pageOf<T>(
  items: Iterable<T>,
  keyOf: (item: T) => string,
  { count, last = '' }: { readonly count: number; readonly last: string | undefined },
): { readonly page: readonly T[]; readonly next: string | undefined } {
  const held: { readonly key: string; readonly item: T }[] = []
  let more = false
  for (const item of items) {
    const key = keyOf(item)
    if (key <= last) continue
    if (held.length === count && key >= (held.at(-1)?.key ?? '')) {
      more = true
      continue
    }
    let at = held.length
    while (at > 0 && key < (held[at - 1]?.key ?? '')) at -= 1
    held.splice(at, 0, { key, item })
    if (held.length <= count) continue
    held.pop()
    more = true
  }
  return { page: held.map(({ item }) => item), next: more ? held.at(-1)?.key : undefined }
}
