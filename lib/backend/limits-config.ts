import { z } from 'zod'
import { duration, rate } from '../config/index.ts'

const time = (text: string) => duration.refine((ms) => ms > 0, 'must be longer than 0').prefault(text)

const bandwidth = {
  /** Bandwidth of all reads from the backend together. */
  read: rate.prefault('unlimited'),
  /** Bandwidth of all writes to the backend together. */
  write: rate.prefault('unlimited'),
}

/** The key `limits` of a backend that is reached over the network; each driver's schema includes it. */
export const backendLimitsSchema = z
  .strictObject({
    /** Requests per second, e.g. `500/s`. */
    requests: z
      .string()
      .regex(/^(unlimited|[1-9]\d*\/s)$/, 'write it like 500/s, or unlimited')
      .pipe(rate)
      .prefault('unlimited'),
    ...bandwidth,
    /** Tries of one request, including the first one. */
    attempts: z.int().min(1).max(20).default(5),
    /** A request fails when, for this long, no first byte of the answer comes and no byte is sent. */
    answer: time('30s'),
    /** A body fails when a reader gets no byte for this long. */
    stall: time('30s'),
    /** A request that would wait longer than this for its turn is refused at once. */
    wait: time('1m'),
  })
  .prefault({})

/** The key `limits` of a backend in the file system, which has no requests to limit. */
export const bandwidthLimitsSchema = z.strictObject(bandwidth).prefault({})

/** Rates are per second, undefined without a limit; times are in milliseconds. */
export type BackendLimits = z.output<typeof backendLimitsSchema>

export const defaultBackendLimits: BackendLimits = backendLimitsSchema.parse({})
