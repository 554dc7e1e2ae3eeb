import { z } from 'zod'
import { secretValues } from '../../../lib/config/index.ts'

/** The secret that admins show. The service keeps only its hashes, so its config is read for it once more. */
export const shownSchema = z.object({ secrets: z.object({ admin: secretValues.exactOptional() }).prefault({}) })
