import type { ObjectPage } from '../backend.ts'

/**
 * The first `limit` keys of two listings, merged in order, each key once; each listing was requested with `limit` keys.
 */
export function mergedPage(one: ObjectPage, other: ObjectPage, limit: number): ObjectPage {
  // A listing may have more keys, still unknown, after the place where it stopped.
  const bounds = [one.next, other.next].filter((next) => next !== undefined)
  const bound = bounds.sort()[0]
  const known = [...new Set([...one.keys, ...other.keys])].filter((key) => bound === undefined || key <= bound).sort()
  const keys = known.slice(0, limit)
  return { keys, next: bound !== undefined || keys.length < known.length ? keys.at(-1) : undefined }
}
