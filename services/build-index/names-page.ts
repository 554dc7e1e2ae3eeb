import type { PageOptions } from '../../lib/api/index.ts'
import { MAX_PAGE } from './key-pages.ts'

/** One page of a list of names that is known whole; `rest` has `next` unless it is the last page. */
export function namesPage<T extends string>(names: readonly T[], { n = MAX_PAGE, last = '' }: PageOptions) {
  const behind = names.filter((name) => name > last)
  const page = behind.slice(0, Math.min(n, MAX_PAGE))
  const end = page.at(-1)
  return { names: page, rest: end === undefined || page.length === behind.length ? {} : { next: end } }
}
