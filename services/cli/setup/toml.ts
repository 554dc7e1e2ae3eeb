import { isDeepStrictEqual } from 'node:util'
import { parse } from 'smol-toml'
import { appError } from '../../../lib/base/index.ts'

/** A table of a TOML file, or of any part of one. */
export type TomlTable = Readonly<Record<string, unknown>>

/** True for a table, false for a list, a date and every plain value. */
export const isTable = (value: unknown): value is TomlTable =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)

/** Parses a file. @throws CONFIG_INVALID with the file and the line */
export function readToml(text: string, file: string): TomlTable {
  try {
    return parse(text)
  } catch (err) {
    const { line } = err as { readonly line?: number }
    throw appError('CONFIG_INVALID', { message: `${file}:${line ?? 1}: this is no valid TOML`, cause: err })
  }
}

/** The table at a path of keys; undefined when a step of it is missing or no table. */
export function tableAt(table: TomlTable, keys: readonly string[]): TomlTable | undefined {
  let at: unknown = table
  for (const key of keys) at = isTable(at) && Object.hasOwn(at, key) ? at[key] : undefined
  return isTable(at) ? at : undefined
}

/**
 * The first of several ways to edit a file whose result parses to what is wanted; undefined when none does. So an edit
 * need not understand the text: a wrong guess, as in the middle of a long string, is found out here.
 */
export function firstEditTo(edits: Iterable<string>, isWanted: (table: TomlTable) => boolean): string | undefined {
  for (const text of edits) {
    try {
      if (isWanted(parse(text))) return text
    } catch {
      // This guess broke the file; the next one may not.
    }
  }
  return undefined
}

/** Dates by their text, and tables without the parser's prototype. */
function comparable(value: unknown): unknown {
  if (value instanceof Date) return { date: value.toISOString() }
  if (Array.isArray(value)) return value.map(comparable)
  return isTable(value)
    ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, comparable(each)]))
    : value
}

/** Deep equality of tables, whatever the order of their keys. */
export const sameToml = (one: unknown, other: unknown): boolean => isDeepStrictEqual(comparable(one), comparable(other))

/** A text as a TOML string. */
export const tomlText = (text: string): string => JSON.stringify(text)

/** The line end that a file uses. */
export const lineEndOf = (text: string): string => (text.includes('\r\n') ? '\r\n' : '\n')

/** The text, so that a line can be added at its end. */
export const endedText = (text: string): string => (text === '' || text.endsWith('\n') ? text : text + lineEndOf(text))
