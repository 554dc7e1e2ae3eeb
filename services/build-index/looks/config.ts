import { z } from 'zod'
import { duration } from '../../../lib/config/index.ts'

const LEAST_INTERVAL_MS = 60_000

/** From the begin of one look to the next; `off`: only when an admin orders one. */
export const lookInterval = z
  .union([z.literal('off').transform(() => undefined), duration.refine((ms) => ms >= LEAST_INTERVAL_MS, 'at least 1m')])
  .prefault('off')
