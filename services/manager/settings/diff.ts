import { isDeepStrictEqual } from 'node:util'

/** What hosts are to obey, by live key. */
export type Values = Readonly<Record<string, unknown>>

export interface KeyChange {
  readonly key: string
  readonly change: 'added' | 'removed' | 'changed'
  /** Absent for what is added. */
  readonly from?: unknown
  /** Absent for what is removed. */
  readonly to?: unknown
}

const byKey = (a: KeyChange, b: KeyChange): number => (a.key < b.key ? -1 : 1)

/** What must change, by key, so that `from` becomes `to`; in the order of the keys. */
export function diffOf(from: Values, to: Values): readonly KeyChange[] {
  const gone = Object.entries(from).flatMap(([key, value]): KeyChange[] =>
    Object.hasOwn(to, key) ? [] : [{ key, change: 'removed', from: value }],
  )
  const come = Object.entries(to).flatMap(([key, value]): KeyChange[] => {
    if (!Object.hasOwn(from, key)) return [{ key, change: 'added', to: value }]
    const before = from[key]
    return isDeepStrictEqual(before, value) ? [] : [{ key, change: 'changed', from: before, to: value }]
  })
  return [...gone, ...come].toSorted(byKey)
}
