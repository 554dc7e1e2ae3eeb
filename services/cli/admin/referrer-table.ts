import type { Referrer } from '../../../lib/core/index.ts'
import { sizeText, table } from './sheet.ts'

/** What has a manifest as its subject. */
export const referrerTable = (referrers: readonly Referrer[]): string =>
  table(referrers, [
    ['REFERRER', ({ digest }) => digest],
    ['TYPE', ({ artifactType, mediaType }) => artifactType ?? mediaType],
    ['SIZE', ({ size }) => sizeText(size)],
  ])
