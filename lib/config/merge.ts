import { appError } from '../base/index.ts'

/** A mapping as YAML gives it. */
export type Tree = Readonly<Record<string, unknown>>

export const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * Lays `over` on `base`: mappings merge key by key, anything else, arrays too, replaces. A mapping with another `driver`
 * replaces as well: what configures the one means nothing to the other.
 */
export function deepMerge(base: Tree, over: Tree): Tree {
  const out = new Map(Object.entries(base))
  for (const [key, value] of Object.entries(over)) {
    const below = out.get(key)
    out.set(key, isTree(below) && isTree(value) && !hasOtherDriver(below, value) ? deepMerge(below, value) : value)
  }
  return Object.fromEntries(out)
}

function hasOtherDriver(base: Tree, { driver = base['driver'] }: Tree): boolean {
  return driver !== base['driver']
}

/** A tree with one leaf, from a dotted path. @throws CONFIG_INVALID for an empty step */
export function treeAt(path: string, value: unknown): Tree {
  const steps = path.split('.')
  if (steps.some((step) => step === '')) {
    throw appError('CONFIG_INVALID', { message: `"${path}" is no path of a config key; write it like a.b.c` })
  }
  return steps.reduceRight<unknown>((inner, step) => Object.fromEntries([[step, inner]]), value) as Tree
}

/** Freezes a value and all it holds. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
    for (const inner of Object.values(value)) deepFreeze(inner)
    Object.freeze(value)
  }
  return value
}
