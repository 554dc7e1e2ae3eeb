import { z } from 'zod'

// The parts of a schema that could be of any size, each with a bound. Schemas of this room use these in place of those
// of zod, which look at all of a value before they say that it is too long, and go on after the first fault.

/** What a bounded schema takes, for whoever describes it: zod itself sees only that it takes anything. */
export type Bounds =
  | { readonly kind: 'list'; readonly item: z.ZodType; readonly max: number }
  | { readonly kind: 'table'; readonly value: z.ZodType; readonly max: number }

const boundsOfSchemas = new WeakMap<z.core.$ZodType, Bounds>()

/** The bounds of a schema that `list` or `table` has made. */
export const boundsOf = (schema: z.core.$ZodType): Bounds | undefined => boundsOfSchemas.get(schema)

function bounded<S extends z.ZodType>(schema: S, bounds: Bounds): S {
  boundsOfSchemas.set(schema, bounds)
  return schema
}

/** A text of at most `max` UTF-16 units. */
export const text = (max: number) => z.string().max(max)

/** Says what is wrong with one entry, and that nothing more is looked at. */
function fault(context: z.RefinementCtx, key: PropertyKey, { issues }: z.ZodError): void {
  const [issue] = issues
  context.addIssue({ code: 'custom', message: issue?.message ?? 'malformed', path: [key, ...(issue?.path ?? [])] })
}

/** An array of at most `max` items; a longer one is refused before its items are looked at. */
export function list<S extends z.ZodType>(item: S, max: number) {
  const taken = z.unknown().transform((value, context): readonly z.output<S>[] => {
    if (!Array.isArray(value) || value.length > max) {
      context.addIssue({ code: 'custom', message: `must be a list of at most ${max}` })
      return z.NEVER
    }
    const items: z.output<S>[] = []
    for (const [at, each] of value.entries()) {
      const parsed = item.safeParse(each)
      if (!parsed.success) {
        fault(context, at, parsed.error)
        return z.NEVER
      }
      items.push(parsed.data)
    }
    return items
  })
  return bounded(taken, { kind: 'list', item, max })
}

/** An object with any keys, at most `max`, each of at most `maxKey` units. */
export function table<S extends z.ZodType>(
  value: S,
  { max, maxKey }: { readonly max: number; readonly maxKey: number },
) {
  const taken = z.unknown().transform((given, context): Readonly<Record<string, z.output<S>>> => {
    const entries =
      typeof given === 'object' && given !== null && !Array.isArray(given) ? Object.entries(given) : undefined
    if (entries === undefined || entries.length > max || entries.some(([key]) => key.length > maxKey)) {
      context.addIssue({ code: 'custom', message: `must be an object with at most ${max} keys of at most ${maxKey}` })
      return z.NEVER
    }
    const parsed: [string, z.output<S>][] = []
    for (const [key, each] of entries) {
      const result = value.safeParse(each)
      if (!result.success) {
        fault(context, key, result.error)
        return z.NEVER
      }
      parsed.push([key, result.data])
    }
    return Object.fromEntries(parsed)
  })
  return bounded(taken, { kind: 'table', value, max })
}

/** Any JSON, not looked into: as large as the body that it came in. */
export const opaque = () => z.unknown()
