import { t } from '../i18n/index.ts'
import { addressOf } from '../pure/paths.ts'
import { type RolloutState, type Step, scopeOf } from '../pure/rollout-plan.ts'
import { type ValueChange, valueText } from '../pure/setting-fields.ts'
import { useClusterName } from '../state/cluster-names.ts'
import { format } from '../state/here.ts'
import type { Effective, Run, StepLook } from '../state/steer.ts'
import { Table } from './table.tsx'
import { Empty, Mark, type Tone } from './ui.tsx'

/** For whom settings are, in words. */
export function useScopeName(scope: string): string {
  const { sort, name } = scopeOf(scope)
  const cluster = useClusterName(sort === 'cluster' ? name : undefined)
  return sort === 'all' ? t('scope.all') : t(`scope.of.${sort}`, { name: cluster ?? name })
}

interface SlotLinkProps {
  readonly scope: string
  readonly kind: string
}

export const SlotLink = ({ scope, kind }: SlotLinkProps) => (
  <a href={addressOf('setting', { scope, kind })}>
    {useScopeName(scope)} · {kind}
  </a>
)

const rolloutTones: Readonly<Record<RolloutState, Tone>> = {
  ...{ running: 'live', paused: 'warn', halted: 'bad', rollingBack: 'warn', rolledBack: 'plain', done: 'good' },
}
export const rolloutStates = Object.keys(rolloutTones) as readonly RolloutState[]

export function RolloutMark({ state }: { readonly state: string }) {
  const known = rolloutStates.find((each) => each === state)
  return known === undefined ? (
    <Mark tone="plain">{state}</Mark>
  ) : (
    <Mark tone={rolloutTones[known]}>{t(`rolloutState.${known}`)}</Mark>
  )
}

/** How many hosts a step has, in words. */
export const stepText = (step: Step): string =>
  'hosts' in step
    ? t('rollout.stepHosts', { n: step.hosts })
    : step.percent === 100
      ? t('rollout.stepAll')
      : t('rollout.stepPercent', { n: step.percent })

const runTones: Readonly<Record<string, Tone>> = {
  applied: 'good',
  failed: 'bad',
  waiting: 'warn',
  unable: 'bad',
  away: 'bad',
}
const runStates = ['applied', 'failed', 'waiting', 'unable', 'away'] as const

export function RunMark({ state }: Pick<Run, 'state'>) {
  const known = runStates.find((each) => each === state)
  return <Mark tone={runTones[state] ?? 'plain'}>{known === undefined ? state : t(`runState.${known}`)}</Mark>
}

const comparisonTones = { worse: 'bad', tooFew: 'plain', good: 'good' } as const

export const ComparisonMark = ({ comparison }: Pick<StepLook, 'comparison'>) => (
  <Mark tone={comparisonTones[comparison]}>{t(`comparison.${comparison}`)}</Mark>
)

const Value = ({ value }: { readonly value: unknown }) => <code>{value === undefined ? '–' : valueText(value)}</code>

const signs = { added: '+', removed: '−', changed: '≠' } as const

/** What two sides have different, by key. */
export const Changes = ({ label, changes }: { readonly label: string; readonly changes: readonly ValueChange[] }) =>
  changes.length === 0 ? (
    <Empty title={t('settings.sameTitle')}>{t('settings.same')}</Empty>
  ) : (
    <Table
      label={label}
      rows={changes}
      keyOf={({ key }) => key}
      columns={[
        { name: t('settings.key'), of: ({ key }) => <code>{key}</code> },
        {
          name: t('settings.change'),
          of: ({ change }) => (
            <>
              <span aria-hidden="true">{signs[change]}</span> {t(`change.${change}`)}
            </>
          ),
        },
        { name: t('settings.from'), of: ({ from }) => <Value value={from} /> },
        { name: t('settings.to'), of: ({ to }) => <Value value={to} /> },
      ]}
    />
  )

interface EffectiveProps {
  readonly label: string
  readonly keys: Effective['keys']
  readonly kind: string
}

/** For each key its value, and who said it. */
export const EffectiveKeys = ({ label, keys, kind }: EffectiveProps) =>
  keys.length === 0 ? (
    <Empty title={t('settings.noneTitle')}>{t('settings.asFiles')}</Empty>
  ) : (
    <Table
      label={label}
      rows={keys}
      keyOf={({ key }) => key}
      columns={[
        { name: t('settings.key'), of: ({ key }) => <code>{key}</code> },
        { name: t('settings.value'), of: ({ value }) => <Value value={value} /> },
        { name: t('settings.saidBy'), of: ({ scope }) => <SlotLink scope={scope} kind={kind} /> },
        { name: t('col.version'), end: true, of: ({ version }) => version },
      ]}
    />
  )

/** What became of the settings at a host. */
export const RunNote = ({ run }: { readonly run: Run }) => {
  const { since } = format()
  return (
    <p>
      <RunMark state={run.state} /> {t('settings.runs', { generation: String(run.generation) })}
      <span class="muted small"> · {since(run.seenAtMs, Date.now())}</span>
      {(run.code ?? run.message) !== undefined && (
        <span class="small">
          {' '}
          <code>{run.code}</code> {run.message}
        </span>
      )}
    </p>
  )
}

export const PlainValues = ({
  label,
  values,
}: {
  readonly label: string
  readonly values: Readonly<Record<string, unknown>>
}) => (
  <Table
    label={label}
    rows={Object.entries(values).toSorted(([a], [b]) => (a < b ? -1 : 1))}
    keyOf={([key]) => key}
    columns={[
      { name: t('settings.key'), of: ([key]) => <code>{key}</code> },
      { name: t('settings.value'), of: ([, value]) => <Value value={value} /> },
    ]}
  />
)
