import { z } from 'zod'
import { nearest } from '../base/index.ts'

/** The part of JSON Schema that tells which keys there are. */
interface Shape {
  readonly properties?: Readonly<Record<string, Shape>>
  readonly items?: Shape
  readonly oneOf?: readonly Shape[]
  readonly anyOf?: readonly Shape[]
}

/** A shape and, where it is a choice, all that may be chosen. */
const choicesOf = (shape: Shape): readonly Shape[] => [
  shape,
  ...[...(shape.oneOf ?? []), ...(shape.anyOf ?? [])].flatMap(choicesOf),
]

const keysOf = (shapes: readonly Shape[]): readonly string[] =>
  shapes.flatMap(({ properties = {} }) => Object.keys(properties))

/** What stands at a path; several shapes below a choice. */
function shapesAt(shape: Shape, path: readonly PropertyKey[]): readonly Shape[] {
  return path.reduce<readonly Shape[]>(
    (shapes, step) =>
      shapes.flatMap(({ properties = {}, items }) => {
        const inner = typeof step === 'number' ? items : properties[String(step)]
        return inner === undefined ? [] : choicesOf(inner)
      }),
    choicesOf(shape),
  )
}

/** Dotted paths of all keys outside of lists. */
const pathsIn = ({ properties = {} }: Shape, above: readonly string[] = []): readonly string[] =>
  Object.entries(properties).flatMap(([name, inner]) => [
    [...above, name].join('.'),
    ...pathsIn(inner, [...above, name]),
  ])

/** The key that is meant: one with nearly the same name at the same place, else one of the same name elsewhere. */
function meant(shape: Shape, key: string, path: readonly PropertyKey[]): string | undefined {
  const near = nearest(key, keysOf(shapesAt(shape, path)))
  if (near !== undefined) return [...path, near].join('.')
  return pathsIn(shape).find((each) => each.endsWith(`.${key}`))
}

/** One line for each key that the schema does not know and that is like one that it does. */
export function hintsFor(schema: z.ZodType, { issues }: z.ZodError): readonly string[] {
  const unknown = issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys' ? issue.keys.map((key) => ({ key, path: issue.path })) : [],
  )
  if (unknown.length === 0) return []
  const shape = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Shape
  return unknown.flatMap(({ key, path }) => {
    const found = meant(shape, key, path)
    return found === undefined ? [] : [`  "${key}" is not known; did you mean "${found}"?`]
  })
}
