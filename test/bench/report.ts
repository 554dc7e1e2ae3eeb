import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BenchResult } from './measure.ts'

/** The content of `results/<name>.json`. */
export interface BenchFile extends BenchResult {
  /** Day of the run, `2026-01-31`. */
  readonly date: string
  readonly machine: { readonly cpus: string; readonly node: string }
}

const INTRODUCTION = `# Benchmarks

Written by \`npm run bench -- report\` from what \`npm run bench -- <name>\` measured last; do not edit. Figures are good
for comparing rows of one table, and two runs on one quiet machine.
`

const cell = (value: string | number) => String(value).replaceAll('|', '\\|')
const line = (cells: readonly (string | number)[]) => `| ${cells.map(cell).join(' | ')} |`

/** The section of the document for one bench. */
function section({ name, date, machine, conditions, columns, rows }: BenchFile): string {
  return [
    `## ${name}`,
    '',
    `${date}, ${machine.cpus}, node ${machine.node}.`,
    '',
    ...conditions.map((condition) => `- ${condition}`),
    '',
    line(columns),
    line(columns.map(() => '---')),
    ...rows.map(line),
    '',
  ].join('\n')
}

/**
 * The document with these results, sorted by name. Results are not kept with the sources, so a section of `before`
 * without a new result stays as it is.
 */
export function benchmarkReport(results: readonly BenchFile[], before = ''): string {
  const sections = new Map<string, string>()
  for (const old of before.split(/^(?=## )/m).slice(1)) {
    sections.set(old.slice(3, old.indexOf('\n')), `${old.trimEnd()}\n`)
  }
  for (const result of results) sections.set(result.name, section(result))
  const names = [...sections.keys()].toSorted()
  return [INTRODUCTION, ...names.map((name) => sections.get(name) ?? '')].join('\n')
}

/** Reads all results and writes `docs/benchmarks.md`. */
export async function writeReport(): Promise<void> {
  const folder = join(import.meta.dirname, 'results')
  const document = join(import.meta.dirname, '..', '..', 'docs', 'benchmarks.md')
  const files = (await readdir(folder)).filter((name) => name.endsWith('.json'))
  const results = await Promise.all(
    files.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8')) as BenchFile),
  )
  await writeFile(document, benchmarkReport(results, await readFile(document, 'utf8').catch(() => '')))
}
