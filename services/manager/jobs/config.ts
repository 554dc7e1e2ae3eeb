import { z } from 'zod'
import { duration } from '../../../lib/config/index.ts'

const hostSchema = z.string().min(1).max(255)

export const jobsSchema = z
  .strictObject({
    /** How long jobs that have ended are kept. */
    keep: duration.refine((ms) => ms > 0, 'more than 0').prefault('30d'),
    /** Jobs that are done at the same time; the others wait. */
    atOnce: z.number().int().min(1).max(256).default(16),
    /** Between two looks at work that services of clusters do. */
    look: duration.refine((ms) => ms >= 20 && ms <= 60_000, 'from 20ms to 60s').prefault('1s'),
    /** Hosts of registries whose images are this system's own: `HOST/team/app` is `team/app` here. */
    ownNames: z.array(hostSchema).max(100).default([]),
    /** Hosts that the manager may ask although they are not of the internet. */
    allow: z.array(hostSchema).max(100).default([]),
  })
  .prefault({})

export type JobsConfig = z.output<typeof jobsSchema>
