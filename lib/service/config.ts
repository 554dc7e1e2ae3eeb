import { z } from 'zod'
import { anonymousRights, duration, type listenerOn, logLevel } from '../config/index.ts'

/** Keys that every service has; spread into its schema. */
export const commonKeys = {
  log: logLevel.default('info'),
  /** The cluster token; services show it to each other, listeners ask for it. */
  token: z.string().min(1).exactOptional(),
  /** What callers without the token may do; everything when there is no token, else nothing. */
  anonymous: anonymousRights.exactOptional(),
  /** Longest time that a stop waits for answers under way. */
  drain: duration.prefault('10s'),
}

const common = z.strictObject(commonKeys)

export type CommonConfig = z.output<typeof common>
export type ListenerConfig = z.output<ReturnType<typeof listenerOn>>
