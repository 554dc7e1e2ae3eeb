import { z } from 'zod'
import { nearest } from '../base/index.ts'

/** The part of a JSON Schema that lists the known keys. */
interface Shape {
  readonly properties?: Readonly<Record<string, Shape>>
  readonly items?: Shape
  readonly oneOf?: readonly Shape[]
  readonly anyOf?: readonly Shape[]
}

/** The shape itself and, where it is a union, all of its alternatives. */
const choicesOf = (shape: Shape): readonly Shape[] => [
  shape,
  ...[...(shape.oneOf ?? []), ...(shape.anyOf ?? [])].flatMap(choicesOf),
]

const keysOf = (shapes: readonly Shape[]): readonly string[] =>
  shapes.flatMap(({ properties = {} }) => Object.keys(properties))

/** The shapes at a path; a union gives more than one. */
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

/** Dotted paths of all keys that are not inside lists. */
const pathsIn = ({ properties = {} }: Shape, above: readonly string[] = []): readonly string[] =>
  Object.entries(properties).flatMap(([name, inner]) => [
    [...above, name].join('.'),
    ...pathsIn(inner, [...above, name]),
  ])

/** The key that was probably meant: a similar name in the same place, else the same name in another place. */
function meant(shape: Shape, key: string, path: readonly PropertyKey[]): string | undefined {
  const near = nearest(key, keysOf(shapesAt(shape, path)))
  if (near !== undefined) return [...path, near].join('.')
  return pathsIn(shape).find((each) => each.endsWith(`.${key}`))
}

/** One line for each unknown key that resembles a known key. */
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
