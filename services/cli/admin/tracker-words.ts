import type { Holds } from '../../../lib/api/index.ts'

/** A line that tells how to get the next page; empty on the last page. */
export const more = (next: string | undefined) => (next === undefined ? '' : `\n\nmore: --last ${next}`)

/** Where a change holds. */
export const holdsText = ({ at, of, missing }: Holds) =>
  `applied at ${at} of ${of} trackers${missing.length === 0 ? '' : `; as soon as they can be reached also at ${missing.join(', ')}`}`
