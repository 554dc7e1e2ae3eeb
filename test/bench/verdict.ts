export type Cell = string | number
type Cells = readonly Cell[]

/** The column that `withVerdicts` adds. */
export const VERDICT = 'met'

/** A bound as benches write it, `<= 1.5` or a number that must be reached exactly, and whether `value` meets it. */
export function meets(value: Cell, bound: Cell): boolean | undefined {
  const [, relation = '', limit] = /^(<=|<|>=|>)?\s*(\d+(?:\.\d+)?)$/.exec(String(bound).trim()) ?? []
  const text = String(value).trim()
  if (limit === undefined || text === '') return undefined
  const [measured, wanted] = [Number(text), Number(limit)]
  if (Number.isNaN(measured)) return false
  if (relation === '<=') return measured <= wanted
  if (relation === '<') return measured < wanted
  if (relation === '>=') return measured >= wanted
  return relation === '>' ? measured > wanted : measured === wanted
}

const word = (met: boolean) => (met ? 'met' : 'not met')

/**
 * What a row has reached, in words. The bounds stand in the last columns, from the one that begins with `must reach`
 * on, and judge as many columns before them, in the same order. Empty for a row without a bound.
 */
function verdictOf(columns: readonly string[], row: Cells, first: number): string {
  const count = columns.length - first
  const judged = columns.slice(first).flatMap((_, i) => {
    const met = meets(row[first - count + i] ?? '', row[first + i] ?? '')
    return met === undefined ? [] : [{ name: columns[first - count + i] ?? '', met }]
  })
  if (new Set(judged.map(({ met }) => met)).size < 2) return judged[0] === undefined ? '' : word(judged[0].met)
  return judged.map(({ name, met }) => `${name}: ${word(met)}`).join('; ')
}

interface Table {
  readonly columns: readonly string[]
  readonly rows: readonly Cells[]
}

/** The table with a last column that says what each row has reached; without bounds, the table as it is. */
export function withVerdicts({ columns, rows }: Table): Table {
  const first = columns.findIndex((column) => column.startsWith('must reach'))
  if (first === -1) return { columns, rows }
  return {
    columns: [...columns, VERDICT],
    rows: rows.map((row) => [...row, verdictOf(columns, row, first)]),
  }
}

/** Whether some row of a table that `withVerdicts` made has missed a bound. */
export function hasMissed({ columns, rows }: Table): boolean {
  return columns.at(-1) === VERDICT && rows.some((row) => String(row.at(-1)).includes('not met'))
}
