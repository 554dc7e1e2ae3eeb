import { isDeepStrictEqual } from 'node:util'

/** JSON of an object of the API, as the server keeps it; never changed. */
export interface Stored {
  readonly metadata: StoredMeta
  readonly [field: string]: unknown
}

export interface StoredMeta {
  readonly name: string
  readonly namespace?: string
  readonly uid: string
  readonly resourceVersion: string
  readonly labels?: Readonly<Record<string, string>>
  readonly finalizers?: readonly string[]
  readonly deletionTimestamp?: string
  readonly generation?: number
  readonly managedFields?: readonly ManagedFields[]
  readonly [field: string]: unknown
}

/** Which fields a manager has written. */
export interface ManagedFields {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly subresource?: string
  readonly fieldsType: 'FieldsV1'
  readonly fieldsV1: FieldTree
}

/** `f:spec` and so on; a leaf is empty. */
export interface FieldTree {
  readonly [field: string]: FieldTree
}

export type Fields = Readonly<Record<string, unknown>>
export type Path = readonly string[]

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const equal = (a: unknown, b: unknown): boolean => isDeepStrictEqual(a, b)

export const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>((inner, step) => (isFields(inner) ? inner[step] : undefined), value)

/** A copy with another value at a path; undefined takes it away. */
export function withValue(value: Fields, [step, ...rest]: Path, next: unknown): Fields {
  if (step === undefined) return value
  const { [step]: inner, ...others } = value
  if (rest.length > 0) {
    if (next === undefined && !isFields(inner)) return value
    return { ...value, [step]: withValue(isFields(inner) ? inner : {}, rest, next) }
  }
  return next === undefined ? others : { ...value, [step]: next }
}

/** Paths of all values that are not mappings, and of empty ones. Lists are leaves: nothing here merges them. */
export function leavesOf(value: unknown, path: Path = []): readonly Path[] {
  if (!isFields(value) || Object.keys(value).length === 0) return path.length === 0 ? [] : [path]
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, [...path, key]))
}

/** RFC 7386. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return patch
  const into: Fields = isFields(target) ? target : {}
  return Object.entries(patch).reduce<Fields>((merged, [key, value]) => {
    const next = value === null ? undefined : mergePatch(merged[key], value)
    return withValue(merged, [key], next)
  }, into)
}

/** A copy as it would come over the wire, without fields that are null: to the API they are fields that are not there. */
export const copyOf = (value: Fields): Fields =>
  JSON.parse(JSON.stringify(value, (_, inner: unknown) => (inner === null ? undefined : inner))) as Fields
