import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BenchResult } from './measure.ts'
import { type Reasons, reasons } from './reasons.ts'
import { type Cell, hasMissed, VERDICT, withVerdicts } from './verdict.ts'

/** The content of `results/<name>.json`. */
export interface BenchFile extends BenchResult {
  /** Day of the run, `2026-01-31`. */
  readonly date: string
  readonly machine: { readonly cpus: string; readonly node: string }
}

/** A section of the document as the bench gave it, without what the report adds. */
interface Section {
  readonly name: string
  /** The lines between the heading and the table. */
  readonly preface: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
}

const INTRODUCTION = `# Benchmarks

Written by \`npm run bench -- report\` from what \`npm run bench -- <name>\` measured last, and from the reasons in
\`test/bench/reasons.ts\`; do not edit. Figures are good for comparing rows of one table, and two runs on one quiet machine.
`

const cell = (value: Cell) => String(value).replaceAll('|', '\\|')
const line = (cells: readonly Cell[]) => `| ${cells.map(cell).join(' | ')} |`
const cellsOf = (row: string) =>
  row
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((text) => text.trim().replaceAll('\\|', '|'))
const list = (lines: readonly string[]) => lines.map((text) => `- ${text}`).join('\n')

function sectionOf({ name, date, machine, conditions, columns, rows }: BenchFile): Section {
  return { name, preface: `${date}, ${machine.cpus}, node ${machine.node}.\n\n${list(conditions)}`, columns, rows }
}

function parsed(text: string): Section {
  const lines = text.split('\n')
  const start = lines.findIndex((each) => each.startsWith('| '))
  const table = lines.filter((each) => each.startsWith('| ')).map(cellsOf)
  const [columns = []] = table
  const count = columns.at(-1) === VERDICT ? columns.length - 1 : columns.length
  return {
    name: (lines[0] ?? '').slice('## '.length),
    preface: lines.slice(1, start).join('\n').trim(),
    columns: columns.slice(0, count),
    rows: table.slice(2).map((row) => row.slice(0, count)),
  }
}

function sectionsOf(document: string): readonly Section[] {
  return document
    .split(/^(?=## )/m)
    .slice(1)
    .map(parsed)
}

function printed({ name, preface, ...bare }: Section, why: Reasons): string {
  const table = withVerdicts(bare)
  const head = [line(table.columns), line(table.columns.map(() => '---'))]
  const excuses = hasMissed(table) ? ['', 'Not met, and why:', '', list(why[name] ?? ['not known yet'])] : []
  return [`## ${name}`, '', preface, '', ...head, ...table.rows.map(line), ...excuses, ''].join('\n')
}

/**
 * The document with these results, sorted by name: for each row whether it has met its bound, and below each table why
 * it has not. Results are not kept with the sources, so a section of `before` without a new result keeps its figures.
 */
export function benchmarkReport(results: readonly BenchFile[], before = '', why: Reasons = reasons): string {
  const sections = new Map([...sectionsOf(before), ...results.map(sectionOf)].map((each) => [each.name, each]))
  const sorted = [...sections.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return [INTRODUCTION, ...sorted.map((each) => printed(each, why))].join('\n')
}

/** The names of the benches of a document with a row that has not met its bound. */
export function missedIn(document: string): readonly string[] {
  return sectionsOf(document)
    .filter((section) => hasMissed(withVerdicts(section)))
    .map(({ name }) => name)
}

/** Reads all results and writes `docs/benchmarks.md`, and what benches have drawn beside it. */
export async function writeReport(): Promise<void> {
  const folder = join(import.meta.dirname, 'results')
  const document = join(import.meta.dirname, '..', '..', 'docs', 'benchmarks.md')
  const found = await readdir(folder).catch(() => [])
  for (const name of found.filter((each) => each.endsWith('.svg'))) {
    await copyFile(join(folder, name), join(document, '..', name))
  }
  const files = found.filter((name) => name.endsWith('.json'))
  const results = await Promise.all(
    files.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8')) as BenchFile),
  )
  await writeFile(document, benchmarkReport(results, await readFile(document, 'utf8').catch(() => '')))
}
