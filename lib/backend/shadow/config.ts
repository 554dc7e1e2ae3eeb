import { z } from 'zod'

/** Two stores as one, to move from the second to the first; `stores` are the drivers that either may be. */
export function shadowSchemaOf<S extends z.ZodType>(stores: S) {
  return z.strictObject({
    driver: z.literal('shadow'),
    /** The store to move to: asked first, and it decides. */
    primary: stores,
    /** The store to move from. */
    secondary: stores,
    /** `both` keeps the way back open; with `primary` nothing new comes into the secondary. */
    writes: z.enum(['both', 'primary']).default('both'),
    /** What only the secondary has is copied to the primary when it is read. */
    copyOnRead: z.boolean().default(false),
  })
}
