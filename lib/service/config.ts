import { z } from 'zod'
import { duration, type listener, logLevel } from '../config/index.ts'

/** Keys that every service has; spread into its schema. */
export const commonKeys = {
  log: z.strictObject({ level: logLevel.default('info') }).prefault({}),
  /** The cluster token; services show it to each other, listeners ask for it. */
  token: z.string().min(16, 'a token has at least 16 characters').exactOptional(),
  /** Longest time that a stop waits for answers under way. */
  drain: duration.prefault('10s'),
}

const common = z.strictObject(commonKeys)

export type CommonConfig = z.output<typeof common>
export type ListenerConfig = z.output<typeof listener>
