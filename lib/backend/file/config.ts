import { z } from 'zod'
import { bandwidthLimitsSchema } from '../limits-config.ts'

/** A backend in a folder of this machine. */
export const fileSchema = z.strictObject({
  driver: z.literal('file'),
  /** Made when it is not there; a relative path is taken from the working directory. */
  folder: z.string().min(1),
  limits: bandwidthLimitsSchema,
})
