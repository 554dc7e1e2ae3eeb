import { z } from 'zod'
import { liveKeys } from '../../../lib/api/index.ts'

const live = liveKeys['build-index']

/** What no repository needs any more. */
export const garbageSchema = z
  .strictObject({
    /** From the begin of one look for garbage to the next; `off`: only when an admin orders one. */
    interval: live['garbage.interval'].prefault('off'),
    /** What nobody needs is removed when a look finds it so again after this time. */
    grace: live['garbage.grace'].prefault('24h'),
    /** Whether anything is condemned and removed; without it a look only counts. */
    remove: live['garbage.remove'].default(false),
    /** Objects that are looked at or changed in a second. */
    rate: live['garbage.rate'].default(200),
  })
  .prefault({})
export type GarbageConfig = z.output<typeof garbageSchema>
