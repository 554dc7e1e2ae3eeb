import { z } from 'zod'
import { duration, rate } from '../config/index.ts'

const time = (text: string) => duration.refine((ms) => ms > 0, 'must be longer than nothing').prefault(text)

const bandwidth = {
  /** What is read from the backend, all reads together. */
  read: rate.prefault('unlimited'),
  /** What is sent to the backend, all writes together. */
  write: rate.prefault('unlimited'),
}

/** The key `limits` of a backend on the network; each driver's schema embeds it. */
export const backendLimitsSchema = z
  .strictObject({
    /** Requests per second, e.g. `500/s`. */
    requests: z
      .string()
      .regex(/^(unlimited|[1-9]\d*\/s)$/, 'write it like 500/s, or unlimited')
      .pipe(rate)
      .prefault('unlimited'),
    ...bandwidth,
    /** Tries of one request, the first included. */
    attempts: z.int().min(1).max(20).default(5),
    /** Without a first byte of its answer, and without a byte sent, for this long, a request has failed. */
    answer: time('30s'),
    /** A body of which no byte came for this long, although it is being read, has failed. */
    stall: time('30s'),
    /** A request that would wait longer for its turn is refused at once. */
    wait: time('1m'),
  })
  .prefault({})

/** The same key of a backend that lies in the file system, which is not asked by requests. */
export const bandwidthLimitsSchema = z.strictObject(bandwidth).prefault({})

/** Rates per second, undefined without one; times in milliseconds. */
export type BackendLimits = z.output<typeof backendLimitsSchema>

export const defaultBackendLimits: BackendLimits = backendLimitsSchema.parse({})
