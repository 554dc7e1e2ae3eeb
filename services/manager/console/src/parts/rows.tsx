import type { ComponentChildren } from 'preact'
import { t } from '../i18n/index.ts'

interface RowsProps<Row> {
  readonly legend: string
  /** What one of them is called. */
  readonly each: (n: number) => string
  readonly rows: readonly Row[]
  readonly set: (rows: readonly Row[]) => void
  /** A further one. */
  readonly empty: Row
  readonly add: string
  readonly hint?: string
  readonly lack?: ComponentChildren
  readonly children: (row: Row, change: (row: Row) => void) => ComponentChildren
}

/** Several of the same in a form, each with its fields. */
export const Rows = <Row,>({ legend, each, rows, set, empty, add, hint, lack, children }: RowsProps<Row>) => (
  <fieldset class="field">
    <legend>{legend}</legend>
    {rows.map((row, i) => (
      <fieldset key={i} class="one" aria-label={each(i + 1)}>
        {children(row, (next) => set(rows.map((other, at) => (at === i ? next : other))))}
        <button type="button" class="plain" onClick={() => set(rows.filter((_, at) => at !== i))}>
          {t('act.remove')} <span class="hidden">{each(i + 1)}</span>
        </button>
      </fieldset>
    ))}
    {lack}
    <div>
      <button type="button" onClick={() => set([...rows, empty])}>
        {add}
      </button>
    </div>
    {hint !== undefined && <small>{hint}</small>}
  </fieldset>
)

/** What a field lacks, under it. */
export const Lack = ({ text }: { readonly text: string | undefined }) =>
  text === undefined ? null : (
    <span class="wrong" role="alert">
      {text}
    </span>
  )
