import type { ComponentChildren } from 'preact'
import { t } from '../i18n/index.ts'

export interface Column<Row> {
  readonly name: string
  readonly of: (row: Row) => ComponentChildren
  /** Numbers stand at the end. */
  readonly end?: boolean
}

interface TableProps<Row> {
  readonly label: string
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string
  readonly columns: readonly Column<Row>[]
}

export const Table = <Row,>({ label, rows, keyOf, columns }: TableProps<Row>) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached with the keyboard
  <div class="scroll" tabIndex={0}>
    <table>
      <caption class="hidden">{label}</caption>
      <thead>
        <tr>
          {columns.map(({ name, end }) => (
            <th key={name} scope="col" class={end === true ? 'end' : ''}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)}>
            {columns.map(({ name, of, end }) => (
              <td key={name} class={end === true ? 'end' : ''}>
                {of(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </div>
)

interface PagerProps {
  readonly last: string | undefined
  readonly next: string | undefined
  readonly go: (last: string | undefined) => void
}

/** The way to further rows of a list; lists know only what comes next, so the way back leads to the begin. */
export const Pager = ({ last, next, go }: PagerProps) =>
  last === undefined && next === undefined ? null : (
    <nav class="foot" aria-label={t('list.pages')}>
      <button type="button" disabled={last === undefined} onClick={() => go(undefined)}>
        {t('list.first')}
      </button>
      <button type="button" disabled={next === undefined} onClick={() => go(next)}>
        {t('list.next')}
      </button>
    </nav>
  )
