import { z } from 'zod'

/** Two backends combined, to move from the second to the first; `backends` are the drivers that each may be. */
export function shadowSchemaOf<S extends z.ZodType>(backends: S) {
  return z.strictObject({
    driver: z.literal('shadow'),
    /** The backend to move to: it is asked first, and it decides. */
    primary: backends,
    /** The backend to move from. */
    secondary: backends,
    /** `both` makes it possible to go back; with `primary` nothing new is written to the secondary. */
    writes: z.enum(['both', 'primary']).default('both'),
    /** When an object that only the secondary has is read, it is copied to the primary. */
    copyOnRead: z.boolean().default(false),
  })
}
