/** Kinds of services that have settings. */
export const kinds = ['agent', 'origin', 'tracker', 'build-index'] as const

/** What can be written into a setting, as far as its JSON schema says. */
export type FieldSort = 'text' | 'choice' | 'number' | 'truth' | 'list' | 'json'

export interface SettingField {
  readonly key: string
  readonly sort: FieldSort
  /** How it is written: `rate`, `size`, `duration` and the like. */
  readonly format?: string
  readonly choices: readonly string[]
  /** A plain number stands for itself. */
  readonly numeric: boolean
}

export type Values = Readonly<Record<string, unknown>>

interface Schema {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly format?: string
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
}

function sortOf({ type, enum: choices, items, anyOf = [] }: Schema): FieldSort {
  if (choices?.every((each) => typeof each === 'string') === true) return 'choice'
  if (type === 'boolean') return 'truth'
  if (type === 'number' || type === 'integer') return 'number'
  if (type === 'array' && items?.type === 'string') return 'list'
  if (type === 'string' || anyOf.some((each) => each.type === 'string')) return 'text'
  return 'json'
}

const fieldOf = (key: string, schema: Schema): SettingField => ({
  ...{ key, sort: sortOf(schema), choices: (schema.enum ?? []).map(String) },
  numeric: (schema.anyOf ?? []).some(({ type }) => type === 'integer' || type === 'number'),
  ...(schema.format !== undefined && { format: schema.format }),
})

/** A field for each key of a schema, and for each key that is set and that the schema does not know. */
export function settingFields(schema: unknown, values: Values): readonly SettingField[] {
  const properties =
    (schema as { readonly properties?: Readonly<Record<string, Schema>> } | undefined)?.properties ?? {}
  const unknown = Object.keys(values).filter((key) => !Object.hasOwn(properties, key))
  return [
    ...Object.entries(properties).map(([key, each]) => fieldOf(key, each)),
    ...unknown.map((key) => fieldOf(key, {})),
  ].toSorted((a, b) => (a.key < b.key ? -1 : 1))
}

/** A value as it is shown. */
export const valueText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** A value as somebody edits it in a field. */
export function draftOf({ sort }: SettingField, value: unknown): string {
  if (sort === 'list' && Array.isArray(value)) return value.map(valueText).join('\n')
  return sort === 'json' ? JSON.stringify(value, undefined, 2) : valueText(value)
}

/** What is in a field when nothing was set yet. */
export const emptyDraft = ({ sort, choices }: SettingField): string =>
  sort === 'truth' ? 'true' : sort === 'choice' ? (choices[0] ?? '') : ''

export type Drafted = { readonly value: unknown } | { readonly wrong: 'empty' | 'number' | 'json' }

/** What a field says; whether a service takes it is for the manager to decide. */
export function drafted({ sort, numeric }: SettingField, text: string): Drafted {
  const said = text.trim()
  if (sort === 'list') {
    const lines = said.split('\n').map((line) => line.trim())
    return { value: lines.filter((line) => line !== '') }
  }
  if (said === '') return { wrong: 'empty' }
  if (sort === 'truth') return { value: said === 'true' }
  if (sort === 'number') return Number.isFinite(Number(said)) ? { value: Number(said) } : { wrong: 'number' }
  if (sort !== 'json') return { value: numeric && /^\d{1,15}$/.test(said) ? Number(said) : said }
  try {
    return { value: JSON.parse(said) as unknown }
  } catch {
    return { wrong: 'json' }
  }
}

export interface ValueChange {
  readonly key: string
  readonly change: 'added' | 'removed' | 'changed'
  readonly from?: unknown
  readonly to?: unknown
}

/** The same for the same value, in whatever order its keys come. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, each]) => [key, ordered(each)]))
}

const same = (a: unknown, b: unknown) => JSON.stringify(ordered(a)) === JSON.stringify(ordered(b))

/** What changes by key, in the order of the keys. */
export function valueChanges(from: Values, to: Values): readonly ValueChange[] {
  const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])].toSorted()
  return keys.flatMap((key): ValueChange[] => {
    if (!Object.hasOwn(from, key)) return [{ key, change: 'added', to: to[key] }]
    if (!Object.hasOwn(to, key)) return [{ key, change: 'removed', from: from[key] }]
    return same(from[key], to[key]) ? [] : [{ key, change: 'changed', from: from[key], to: to[key] }]
  })
}
