import { z } from 'zod'

/** Two backends as one, to move from the second to the first; `backends` are the drivers that either may be. */
export function shadowSchemaOf<S extends z.ZodType>(backends: S) {
  return z.strictObject({
    driver: z.literal('shadow'),
    /** The backend to move to: asked first, and it decides. */
    primary: backends,
    /** The backend to move from. */
    secondary: backends,
    /** `both` keeps the way back open; with `primary` nothing new comes into the secondary. */
    writes: z.enum(['both', 'primary']).default('both'),
    /** What only the secondary has is copied to the primary when it is read. */
    copyOnRead: z.boolean().default(false),
  })
}
