import { appError } from '../../base/index.ts'
import type { ObjectStat } from '../backend.ts'

const MARKS = { primary: 'p-', secondary: 's-' } as const

export type StoreOfTwo = keyof typeof MARKS

/** `stat` with an etag that says which store it is of. */
export function marked<T extends ObjectStat>(store: StoreOfTwo, stat: T): T {
  return { ...stat, etag: MARKS[store] + stat.etag }
}

/** The store's own etag. @throws BACKEND_PRECONDITION_FAILED when it is none of ours */
export function unmarked(etag: string): { readonly store: StoreOfTwo; readonly etag: string } {
  const store = (['primary', 'secondary'] as const).find((name) => etag.startsWith(MARKS[name]))
  if (store === undefined) throw appError('BACKEND_PRECONDITION_FAILED')
  return { store, etag: etag.slice(MARKS[store].length) }
}
