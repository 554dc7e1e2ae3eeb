import { type TextKey, t } from '../i18n/index.ts'
import { Choose } from '../parts/form.tsx'
import { PlainValues, RolloutMark, useScopeName } from '../parts/steer.tsx'
import { Bar, Card, Empty, Figures, Head, Seen } from '../parts/ui.tsx'
import { addressOf, type Place } from '../pure/paths.ts'
import { scopeOf } from '../pure/rollout-plan.ts'
import { get, isFault } from '../state/api.ts'
import { ask, format } from '../state/here.ts'
import { useLoad } from '../state/load.ts'
import { may } from '../state/session.ts'
import { type Current, readSlot, type SlotName, slotPath } from '../state/settings.ts'
import type { Cluster } from '../state/shapes.ts'
import type { Applied } from '../state/steer.ts'
import { EffectiveOf } from './effective.tsx'
import { SettingEdit } from './setting-edit.tsx'
import { SettingHosts } from './setting-hosts.tsx'
import { SettingVersions } from './setting-versions.tsx'

interface Read {
  readonly current: Current
  /** Absent: nobody has set anything there. */
  readonly applied: Applied | undefined
}

async function read(name: SlotName, signal: AbortSignal): Promise<Read> {
  const reading = get<Applied>(`${slotPath(name)}/applied`, {}, signal).catch((err: unknown) => {
    if (isFault(err) && err.code === 'SETTINGS_UNKNOWN') return undefined
    throw err
  })
  const [current, applied] = await Promise.all([readSlot(name, signal), reading])
  return { current, applied }
}

const listed = (codes: Readonly<Record<string, number>>) =>
  Object.entries(codes)
    .map(([code, n]) => `${n} ${code}`)
    .join(', ')

/** How many hosts have it, and why others do not. */
function AppliedBy({ current: { slot }, applied }: Read) {
  const { number } = format()
  if (slot === undefined || applied === undefined) return null
  const { hosts, applied: done, behind, refused, codes, away } = applied
  const others = hosts - done
  return (
    <>
      <Figures
        facts={[
          {
            name: t('applied.by'),
            value: t('applied.of', { done, hosts }),
            more: <Bar done={done} of={hosts} label={t('applied.by')} />,
          },
          { name: t('applied.behind'), value: number(behind) },
          { name: t('applied.refused'), value: number(refused) },
          {
            name: t('col.version'),
            value: slot.wanted ?? '–',
            more: t('applied.generation', { generation: String(slot.generation) }),
          },
          {
            name: t('settings.lastRollout'),
            value:
              slot.rollout === undefined ? (
                '–'
              ) : (
                <a href={addressOf('rollout', { id: slot.rollout.id })}>
                  <RolloutMark state={slot.rollout.state} />
                </a>
              ),
          },
        ]}
      />
      {others > 0 && (
        <div class="trouble soft" role="status">
          <h2>{t('applied.notBy', { n: others })}</h2>
          <p>
            {t('applied.because', { codes: listed(codes) })}{' '}
            <a href={addressOf('setting', { scope: slot.scope, kind: slot.kind }, { view: 'hosts' })}>
              {t('applied.which')}
            </a>
          </p>
        </div>
      )}
      {away.length > 0 && <p class="muted">{t('applied.away', { clusters: away.join(', ') })}</p>}
    </>
  )
}

/** What holds in the scope, from it and from wider ones. */
function Holds({ scope, kind, cluster }: SlotName & { readonly cluster: string }) {
  const { sort, name } = scopeOf(scope)
  const load = useLoad('clusters', (signal) =>
    get<{ clusters: readonly Cluster[] }>('/api/v1/clusters', { n: 1000 }, signal),
  )
  return (
    <Seen load={load}>
      {({ clusters }) => {
        const own = clusters.find((each) =>
          sort === 'cluster' ? [each.id, each.name].includes(name) : each.name === cluster,
        )
        const chosen = own ?? clusters[0]
        return (
          <Card
            title={t('setting.holds')}
            tight
            more={
              sort !== 'cluster' && (
                <Choose
                  label={t('col.cluster')}
                  any={t('col.cluster')}
                  value={chosen?.name ?? ''}
                  options={clusters.map((each) => [each.name, each.name] as const)}
                  onChoose={(value) => ask({ cluster: value })}
                />
              )
            }
          >
            {chosen === undefined ? (
              <Empty title={t('overview.emptyTitle')} />
            ) : (
              <EffectiveOf
                cluster={chosen.name}
                kind={kind}
                {...(sort === 'zone' && { zone: name })}
                {...(sort === 'host' && { host: name })}
              />
            )}
          </Card>
        )
      }}
    </Seen>
  )
}

const OwnValues = ({ values }: Current) => (
  <Card title={t('setting.own')} tight>
    {Object.keys(values).length === 0 ? (
      <Empty title={t('settings.noneTitle')}>{t('setting.none')}</Empty>
    ) : (
      <PlainValues label={t('setting.own')} values={values} />
    )}
  </Card>
)

const views = ['values', 'edit', 'versions', 'hosts'] as const
const viewTexts: Readonly<Record<(typeof views)[number], TextKey>> = {
  ...{ values: 'setting.values', edit: 'act.edit', versions: 'setting.versions', hosts: 'setting.hosts' },
}

export function SettingPage({ params: { scope = '', kind = '' }, query }: Place) {
  const name = { scope, kind }
  const whom = useScopeName(scope)
  const view = views.find((each) => each === query['view']) ?? 'values'
  const load = useLoad(slotPath(name), (signal) => read(name, signal), { everyMs: 3000 })
  const shown = views.filter((each) => each !== 'edit' || may('settings', 'write'))
  return (
    <>
      <Head above={<a href={addressOf('settings')}>{t('nav.settings')}</a>} title={`${whom} · ${kind}`}>
        <fieldset class="seg" aria-label={t('setting.view')}>
          {shown.map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={each === view}
              onClick={() => ask({ view: each === 'values' ? '' : each, from: '', to: '', last: '' })}
            >
              {t(viewTexts[each])}
            </button>
          ))}
        </fieldset>
      </Head>
      <Seen load={load}>
        {(seen) => (
          <>
            <AppliedBy {...seen} />
            {view === 'values' && (
              <>
                <OwnValues {...seen.current} />
                {scope !== 'all' && <Holds {...name} cluster={query['cluster'] ?? ''} />}
              </>
            )}
            {view === 'edit' && <SettingEdit {...name} saved={load.again} />}
            {view === 'versions' && <SettingVersions {...name} query={query} slot={seen.current.slot} />}
            {view === 'hosts' && <SettingHosts {...name} last={query['last']} />}
          </>
        )}
      </Seen>
    </>
  )
}
