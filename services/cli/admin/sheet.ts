import { harmlessCell } from './harmless.ts'

/** One column of a table: its heading, and a function that gives the cell of a row. */
export type Column<Row> = readonly [head: string, cell: (row: Row) => string]

const KIB = 1024
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** A number of bytes as text for people: `512 B`, `1.5 MiB`. */
export function sizeText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= KIB && unit < UNITS.length - 1) {
    value /= KIB
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit] ?? ''}`
}

/** Bytes per second as text for people. */
export const rateText = (bytesPerSecond: number): string => `${sizeText(Math.round(bytesPerSecond))}/s`

const SPANS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const

/** Milliseconds as text for people, in their two largest units: `3d 4h`, `12s`. */
export function spanText(ms: number): string {
  let rest = Math.max(0, ms)
  const parts: string[] = []
  for (const [unit, length] of SPANS) {
    const count = Math.floor(rest / length)
    rest -= count * length
    if (count > 0 || parts.length > 0) parts.push(`${count}${unit}`)
  }
  return parts.slice(0, 2).join(' ') || '0s'
}

/** How long ago a moment was, or how far ahead it is; `-` when the moment is not known. */
export function ageText(atMs: number | undefined, nowMs: number): string {
  if (atMs === undefined) return '-'
  return atMs > nowMs ? `in ${spanText(atMs - nowMs)}` : `${spanText(nowMs - atMs)} ago`
}

const aligned = (told: readonly (readonly string[])[]): string => {
  const lines = told.map((line) => line.map(harmlessCell))
  const widths = lines[0]?.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0))) ?? []
  return lines
    .map((line) =>
      line
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Text of a table with a line of headings. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  return aligned([columns.map(([head]) => head), ...rows.map((row) => columns.map(([, cell]) => cell(row)))])
}

/** Text with one name and value in each line. */
export const fields = (values: Readonly<Record<string, string>>): string => aligned(Object.entries(values))
