import { useSignal } from '@preact/signals'
import { t } from '../i18n/index.ts'
import { Choose, Field } from '../parts/form.tsx'
import { Sought } from '../parts/names.tsx'
import { RolloutMark, SlotLink } from '../parts/steer.tsx'
import { Table } from '../parts/table.tsx'
import { Card, Dialog, Empty, Head, Seen } from '../parts/ui.tsx'
import { addressOf, type Place } from '../pure/paths.ts'
import { type ScopeSort, scopeOf, scopeSorts } from '../pure/rollout-plan.ts'
import { kinds } from '../pure/setting-fields.ts'
import { get } from '../state/api.ts'
import { ask, go } from '../state/here.ts'
import { useLoad } from '../state/load.ts'
import { put } from '../state/put.ts'
import { may } from '../state/session.ts'
import type { Slot, SlotsPage } from '../state/steer.ts'

/** Leads to the settings of a scope, whether there are some or not. */
function NewScope({ close }: { readonly close: () => void }) {
  const [sort, name, kind] = [useSignal<ScopeSort>('all'), useSignal(''), useSignal<string>('agent')]
  const scope = sort.value === 'all' ? 'all' : `${sort.value}:${name.value.trim()}`
  const run = () => go(addressOf('setting', { scope, kind: kind.value }, { view: 'edit' }))
  return (
    <Dialog
      title={t('settings.newTitle')}
      close={close}
      act={{ text: t('act.edit'), run, busy: sort.value !== 'all' && name.value.trim() === '' }}
    >
      <Field name={t('settings.forWhom')}>
        <select
          value={sort.value}
          onChange={(e) => put(sort, scopeSorts.find((each) => each === e.currentTarget.value) ?? 'all')}
        >
          {scopeSorts.map((each) => (
            <option key={each} value={each}>
              {t(`scope.${each}`)}
            </option>
          ))}
        </select>
      </Field>
      {sort.value !== 'all' && (
        <Field name={t('col.name')} hint={t(`scope.hint.${sort.value}`)}>
          <input value={name.value} maxLength={255} onInput={(e) => put(name, e.currentTarget.value)} />
        </Field>
      )}
      <Field name={t('settings.service')}>
        <select value={kind.value} onChange={(e) => put(kind, e.currentTarget.value)}>
          {kinds.map((each) => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </select>
      </Field>
    </Dialog>
  )
}

const SlotTable = ({ slots }: { readonly slots: readonly Slot[] }) => (
  <Table
    label={t('nav.settings')}
    rows={slots}
    keyOf={({ scope, kind }) => `${scope}/${kind}`}
    columns={[
      { name: t('settings.forWhom'), of: ({ scope, kind }) => <SlotLink scope={scope} kind={kind} /> },
      { name: t('col.version'), end: true, of: ({ wanted }) => wanted ?? '–' },
      { name: t('col.generation'), end: true, of: ({ generation }) => generation },
      {
        name: t('settings.lastRollout'),
        of: ({ rollout }) =>
          rollout !== undefined && (
            <a href={addressOf('rollout', { id: rollout.id })}>
              <RolloutMark state={rollout.state} />
            </a>
          ),
      },
    ]}
  />
)

const Filters = ({ query: { sort = '', kind = '', text = '' } }: Pick<Place, 'query'>) => {
  const filtered = sort + kind + text !== ''
  return (
    <div class="filters">
      <Choose
        label={t('settings.forWhom')}
        any={t('settings.anyScope')}
        value={scopeSorts.find((each) => each === sort) ?? ''}
        options={scopeSorts.map((each) => [each, t(`scope.${each}`)] as const)}
        onChoose={(value) => ask({ sort: value })}
      />
      <Choose
        label={t('settings.service')}
        any={t('settings.anyKind')}
        value={kinds.find((each) => each === kind) ?? ''}
        options={kinds.map((each) => [each, each] as const)}
        onChoose={(value) => ask({ kind: value })}
      />
      <Sought label={t('settings.byText')} value={text} onSeek={(to) => ask({ text: to })} />
      {filtered && (
        <button type="button" class="plain" onClick={() => ask({ sort: '', kind: '', text: '' })}>
          {t('list.clear')}
        </button>
      )}
    </div>
  )
}

export function SettingsPage({ query }: Place) {
  const { sort = '', kind = '', text = '' } = query
  const making = useSignal(false)
  const load = useLoad('settings', (signal) => get<SlotsPage>('/api/v1/settings', { n: 1000 }, signal), {
    everyMs: 5000,
  })
  const fits = (slot: Slot) =>
    (sort === '' || scopeOf(slot.scope).sort === sort) &&
    (kind === '' || slot.kind === kind) &&
    slot.scope.toLowerCase().includes(text.toLowerCase())
  const filtered = sort + kind + text !== ''
  return (
    <>
      <Head title={t('nav.settings')} what={t('settings.what')}>
        <a class="button" href={addressOf('effective')}>
          {t('effective.title')}
        </a>
        {may('settings', 'write') && (
          <button type="button" class="main-act" onClick={() => put(making, true)}>
            {t('settings.new')}
          </button>
        )}
      </Head>
      <Filters query={query} />
      <Card tight>
        <Seen load={load}>
          {({ settings, next }) => {
            const shown = settings.filter(fits)
            return (
              <>
                {shown.length === 0 ? (
                  <Empty title={t('settings.emptyTitle')}>{t(filtered ? 'list.emptyFilter' : 'settings.empty')}</Empty>
                ) : (
                  <SlotTable slots={shown} />
                )}
                {next !== undefined && <p class="foot muted">{t('settings.more')}</p>}
              </>
            )
          }}
        </Seen>
      </Card>
      {making.value && <NewScope close={() => put(making, false)} />}
    </>
  )
}
