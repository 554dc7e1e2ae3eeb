import type { PullRow } from '../../../lib/api/index.ts'
import { rateText, sizeText, spanText } from '../admin/sheet.ts'

/** How far a download is. Bytes of the content, or of the part that was asked for. */
export interface Progress {
  readonly done: number
  readonly total: number
  /** Of late; 0 while it is not known. */
  readonly bytesPerSecond: number
  /** What the agent says of where they come from. */
  readonly pull?: Pick<PullRow, 'bytes'> & { readonly peers: number }
}

const BAR = 24

/** Where bytes came from, the largest part first: `71 % peers (5), 29 % origins`. */
export function sourcesText({ bytes, peers }: NonNullable<Progress['pull']>): string {
  const whole = bytes.peer + bytes.origin + bytes.http + bytes.cache
  if (whole === 0) return ''
  const parts = [
    [bytes.peer, peers === 0 ? 'peers' : `peers (${peers})`],
    [bytes.origin + bytes.http, 'origins'],
    [bytes.cache, 'this node'],
  ] as const
  const given = parts.filter(([count]) => count > 0).sort(([a], [b]) => b - a)
  return given.map(([count, what]) => `${Math.round((100 * count) / whole)} % ${what}`).join(', ')
}

/** One line for a terminal. */
export function progressText({ done, total, bytesPerSecond, pull }: Progress): string {
  const share = total === 0 ? 1 : done / total
  const full = Math.floor(share * BAR)
  const left = bytesPerSecond > 0 && done < total ? `${spanText(((total - done) / bytesPerSecond) * 1_000)} left` : ''
  const parts = [
    `[${'#'.repeat(full)}${'.'.repeat(BAR - full)}]`,
    `${Math.floor(share * 100)} % of ${sizeText(total)}`,
    bytesPerSecond > 0 ? rateText(bytesPerSecond) : '',
    left,
    pull === undefined ? '' : sourcesText(pull),
  ]
  return parts.filter((part) => part !== '').join('  ')
}
