import { appError } from '../base/index.ts'

/** A YAML mapping. */
export type Tree = Readonly<Record<string, unknown>>

export const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * Merges `over` into `base`: mappings merge key by key; any other value, also an array, replaces the old one. A mapping
 * with another `driver` replaces the old mapping too, because one driver's keys mean nothing to another driver.
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

/** A tree with one leaf at a dotted path. @throws CONFIG_INVALID when a part of the path is empty */
export function treeAt(path: string, value: unknown): Tree {
  const steps = path.split('.')
  if (steps.some((step) => step === '')) {
    throw appError('CONFIG_INVALID', { message: `"${path}" is not the path of a config key; write it like a.b.c` })
  }
  return steps.reduceRight<unknown>((inner, step) => Object.fromEntries([[step, inner]]), value) as Tree
}

/** Freezes a value and everything inside it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
    for (const inner of Object.values(value)) deepFreeze(inner)
    Object.freeze(value)
  }
  return value
}
