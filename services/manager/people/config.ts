import { z } from 'zod'
import { duration } from '../../../lib/config/index.ts'
import { oidcSchema } from './oidc/index.ts'

const MAX_PROVIDERS = 16
const DAY_MS = 86_400_000
const atMost = (days: number) => (ms: number) => ms > 0 && ms <= days * DAY_MS

/** Who may come in, and for how long. */
export const peopleSchema = z
  .strictObject({
    sessions: z
      .strictObject({
        /** A session ends after so long without a use, and after so long whatever happens. */
        idle: duration.refine(atMost(30), 'more than 0 and at most 30d').prefault('12h'),
        longest: duration.refine(atMost(90), 'more than 0 and at most 90d').prefault('7d'),
        /** Cookies are for TLS alone: something in front of the manager ends TLS. */
        secure: z.boolean().default(false),
      })
      .prefault({}),
    tokens: z
      .strictObject({
        /** A personal access token ends after this time at the latest. */
        longest: duration.refine(atMost(3_650), 'more than 0 and at most 3650d').prefault('365d'),
      })
      .prefault({}),
    /** Providers of OpenID Connect by which people sign in. */
    oidc: z
      .array(oidcSchema)
      .max(MAX_PROVIDERS)
      .refine((list) => new Set(list.map(({ name }) => name)).size === list.length, 'two providers have the same name')
      .exactOptional(),
  })
  .prefault({})

export type PeopleConfig = z.output<typeof peopleSchema>
