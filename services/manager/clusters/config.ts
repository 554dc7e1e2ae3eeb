import { z } from 'zod'
import { duration, secretText } from '../../../lib/config/index.ts'

const LEAST_HEARTBEAT_MS = 500
const MOST_HEARTBEAT_MS = 600_000

/** Config key `clusters` of a manager. */
export const clustersSchema = z
  .strictObject({
    /** Pause between two heartbeats of a member; after three without one, and without an answer, it is away. */
    heartbeat: duration
      .refine((ms) => ms >= LEAST_HEARTBEAT_MS && ms <= MOST_HEARTBEAT_MS, 'from 500ms to 10m')
      .prefault('10s'),
    /** Pause between two reads of the agents from the trackers. */
    hosts: duration.refine((ms) => ms >= LEAST_HEARTBEAT_MS, 'at least 500ms').prefault('30s'),
    /** Seals the keys of members in the database; several managers need the same one. Default: a key in the folder. */
    secret: secretText.transform((value) => () => value).exactOptional(),
    /** A cluster that is there from the first start on, and a join token of it that does not end. */
    first: z
      .strictObject({
        name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a name has lower-case letters, digits and "-"'),
        token: secretText.transform((value) => () => value).exactOptional(),
        /** The file that holds it; one with a random token is made when there is none. */
        tokenFile: z.string().min(1).exactOptional(),
      })
      .refine(({ token, tokenFile }) => token === undefined || tokenFile === undefined, {
        path: ['tokenFile'],
        message: 'give the token or its file, not both',
      })
      .exactOptional(),
  })
  .prefault({})

export type ClustersConfig = z.output<typeof clustersSchema>
