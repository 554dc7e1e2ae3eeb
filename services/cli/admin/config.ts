import { z } from 'zod'
import { secretValues } from '../../../lib/config/index.ts'

const shown = z.object({ admin: secretValues.exactOptional(), adminRead: secretValues.exactOptional() })

/** The secrets that admins show. The service keeps only their hashes, so its config is read for them once more. */
export const shownSchema = z.object({ secrets: shown.prefault({}) })
