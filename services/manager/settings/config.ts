import { z } from 'zod'
import { duration } from '../../../lib/config/index.ts'

/** Config key of roll-outs: what one does that says nothing else. */
export const settingsKey = z
  .strictObject({
    /** Between two looks at trackers, and at hosts while something is rolled out. */
    every: duration.prefault('5s'),
    rollout: z
      .strictObject({
        /** How long a step goes well before the next begins. */
        soak: duration.prefault('10m'),
        /** How long hosts may take to apply new settings. */
        apply: duration.prefault('5m'),
        /** Hosts that may refuse them. */
        maxRefused: z.number().int().min(0).default(0),
        /** Of 100 hosts that have them, so many may go away. */
        gonePerHundred: z.number().min(0).max(100).default(5),
        /** A step waits until so many pulls have ended at its hosts. */
        minPulls: z.number().int().min(0).default(20),
        /** So many more errors, or stalls, per 100 pulls are let pass. */
        errorsPerHundred: z.number().min(0).max(100).default(2),
        stallsPerHundred: z.number().min(0).max(100).default(2),
        /** A rise counts when chance alone gives one as large less often than this. */
        chance: z.number().gt(0).max(0.5).default(0.001),
        /** After a halt the former settings come back by themselves. */
        rollBack: z.boolean().default(true),
      })
      .prefault({}),
  })
  .prefault({})
