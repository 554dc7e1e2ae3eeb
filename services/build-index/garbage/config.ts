import { z } from 'zod'
import { duration } from '../../../lib/config/index.ts'
import { lookInterval } from '../looks/config.ts'

/**
 * Origins say of nothing that it is there when they spared it more than five minutes ago; the rest is for the request that
 * then links it, and for the difference of clocks.
 */
const LEAST_GRACE_MS = 3_600_000

/** What no repository needs any more. */
export const garbageSchema = z
  .strictObject({
    /** From the begin of one look for garbage to the next; `off`: only when an admin orders one. */
    interval: lookInterval,
    /** What nobody needs is removed when a look finds it so again after this time. */
    grace: duration.refine((ms) => ms >= LEAST_GRACE_MS, 'at least 1h').prefault('24h'),
    /** Whether anything is condemned and removed; without it a look only counts. */
    remove: z.boolean().default(false),
    /** Objects that are looked at or changed in a second. */
    rate: z.number().int().min(1).max(100_000).default(200),
  })
  .prefault({})
export type GarbageConfig = z.output<typeof garbageSchema>
