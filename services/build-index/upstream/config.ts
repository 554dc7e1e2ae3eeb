import { z } from 'zod'
import { duration } from '../../../lib/config/index.ts'

const LEAST_INTERVAL_MS = 60_000

/** What is kept of the last answers of registries of others, in the backend. */
export const upstreamRecordsSchema = z
  .strictObject({
    /** Records of all upstreams together. */
    most: z.number().int().min(1).max(5_000_000).default(200_000),
    /** What nobody has asked for since goes. */
    olderThan: duration.refine((ms) => ms >= 172_800_000, 'at least 2d').prefault('90d'),
    /** From one look through all of them to the next. */
    interval: duration.refine((ms) => ms >= LEAST_INTERVAL_MS, 'at least 1m').prefault('6h'),
    /** Records that are read or removed in a second. */
    rate: z.number().int().min(1).max(100_000).default(100),
  })
  .prefault({})
export type UpstreamRecordsConfig = z.output<typeof upstreamRecordsSchema>
