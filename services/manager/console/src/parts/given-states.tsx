import { t } from '../i18n/index.ts'
import { format } from '../state/here.ts'
import { Table } from './table.tsx'
import { Mark, type Tone } from './ui.tsx'

/** Whether a service has what the manager gives it. */
export interface GivenState {
  readonly cluster: string
  readonly state: 'applied' | 'behind' | 'foreign' | 'refused' | 'away'
  readonly generation?: number
  readonly code?: string
  readonly manager?: string
}

const tones: Readonly<Record<GivenState['state'], Tone>> = {
  ...{ applied: 'good', behind: 'warn', foreign: 'bad', refused: 'bad', away: 'bad' },
}

interface GivenStatesProps<Row extends GivenState> {
  readonly title: string
  /** What the services are called, and how one of them is. */
  readonly kind: string
  readonly nameOf: (row: Row) => string
  readonly rows: readonly Row[]
  /** Why one has it not, and what to do. */
  readonly why: (state: Exclude<GivenState['state'], 'applied'>, manager: string) => string
}

/** Which services have it, and why others have not. */
export const GivenStates = <Row extends GivenState>({ title, kind, nameOf, rows, why }: GivenStatesProps<Row>) => {
  const { number } = format()
  return (
    <Table
      label={title}
      rows={rows}
      keyOf={(row) => `${row.cluster}/${nameOf(row)}`}
      columns={[
        { name: t('col.cluster'), of: ({ cluster }) => cluster },
        { name: kind, of: (row) => <code>{nameOf(row)}</code> },
        { name: t('col.state'), of: ({ state }) => <Mark tone={tones[state]}>{t(`given.${state}`)}</Mark> },
        {
          name: t('given.has'),
          end: true,
          of: ({ generation }) => (generation === undefined ? '–' : number(generation)),
        },
        {
          name: t('col.why'),
          of: ({ state, code, manager }) =>
            state === 'applied' ? null : (
              <>
                {code !== undefined && <code>{code}</code>} {why(state, manager ?? '')}
              </>
            ),
        },
      ]}
    />
  )
}
