import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..', '..')

/** One row by the names of its columns; the backticks around a cell that is all code are removed. */
export type DocRow<C extends string> = Readonly<Record<C, string>>

const cellsOf = (line: string): string[] =>
  line
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'))

const plain = (cell: string): string => /^`([^`]*)`$/.exec(cell)?.[1] ?? cell

/** The rows of every table in a Markdown file with exactly these columns, each with the heading above its table. */
export function docTable<C extends string>(
  file: string,
  columns: readonly C[],
): readonly (DocRow<C> & { heading: string })[] {
  const rows: (DocRow<C> & { heading: string })[] = []
  let heading = ''
  let inTable = false
  for (const line of readProjectFile(file).split('\n')) {
    if (line.startsWith('#')) heading = line.replace(/^#+ /, '')
    if (!line.startsWith('|')) {
      inTable = false
      continue
    }
    const cells = cellsOf(line)
    if (cells.join() === columns.join()) inTable = true
    else if (inTable && !/^[|\s:-]+$/.test(line)) {
      if (cells.length !== columns.length) throw new Error(`${file}: a row has ${cells.length} cells: ${line}`)
      const row = Object.fromEntries(columns.map((column, i) => [column, plain(cells[i] ?? '')])) as DocRow<C>
      rows.push({ ...row, heading })
    }
  }
  if (rows.length === 0) throw new Error(`${file} has no table with the columns ${columns.join(', ')}`)
  return rows
}

/** Content of a project file, given by its path from the root. */
export function readProjectFile(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

/** Paths from the root of all TypeScript files below the folders. */
export function projectSources(...folders: readonly string[]): readonly string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(folder, name)),
  )
}
