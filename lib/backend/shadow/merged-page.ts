import type { ObjectPage } from '../backend.ts'

/** The first `limit` keys of two listings that were asked for `limit` keys each, in order and each key once. */
export function mergedPage(one: ObjectPage, other: ObjectPage, limit: number): ObjectPage {
  // Behind the place where a listing stopped it may have keys that are not known yet.
  const bounds = [one.next, other.next].filter((next) => next !== undefined)
  const bound = bounds.sort()[0]
  const known = [...new Set([...one.keys, ...other.keys])].filter((key) => bound === undefined || key <= bound).sort()
  const keys = known.slice(0, limit)
  return { keys, next: bound !== undefined || keys.length < known.length ? keys.at(-1) : undefined }
}
