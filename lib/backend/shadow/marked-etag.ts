import { appError } from '../../base/index.ts'
import type { ObjectStat } from '../backend.ts'

const MARKS = { primary: 'p-', secondary: 's-' } as const

export type Side = keyof typeof MARKS

/** `stat` with an etag that also names its backend. */
export function marked<T extends ObjectStat>(side: Side, stat: T): T {
  return { ...stat, etag: MARKS[side] + stat.etag }
}

/** The backend's own etag. @throws BACKEND_PRECONDITION_FAILED when the etag was not made by `marked` */
export function unmarked(etag: string): { readonly side: Side; readonly etag: string } {
  const side = (['primary', 'secondary'] as const).find((name) => etag.startsWith(MARKS[name]))
  if (side === undefined) throw appError('BACKEND_PRECONDITION_FAILED')
  return { side, etag: etag.slice(MARKS[side].length) }
}
