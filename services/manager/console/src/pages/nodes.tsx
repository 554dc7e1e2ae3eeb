import { t } from '../i18n/index.ts'
import { Choose } from '../parts/form.tsx'
import { HealthMark, PeerLink, Sought } from '../parts/names.tsx'
import { RunMark } from '../parts/steer.tsx'
import { Pager, Table } from '../parts/table.tsx'
import { Card, Empty, Head, Mark, Seen } from '../parts/ui.tsx'
import type { Place } from '../pure/paths.ts'
import { get } from '../state/api.ts'
import { ask, format } from '../state/here.ts'
import { useLoad } from '../state/load.ts'
import type { Host } from '../state/shapes.ts'

interface HostsPage {
  readonly hosts: readonly Host[]
  readonly next?: string
}

const states = ['ok', 'out', 'probation', 'banned', 'draining'] as const
const roles = ['agent', 'origin'] as const

/** What it runs of the settings, and when that is not what it should run, why. */
const Generation = ({ generation, behind, settings }: Host) => (
  <>
    {generation ?? '–'} {behind && <Mark tone="warn">{t('nodes.isBehind')}</Mark>}{' '}
    {behind && settings !== undefined && (
      <>
        <RunMark state={settings.state} />{' '}
        <span class="muted small">
          <code>{settings.code}</code> {settings.message}
        </span>
      </>
    )}
  </>
)

const HostTable = ({ hosts }: HostsPage) => {
  const { number, rate, since } = format()
  return (
    <Table
      label={t('nav.nodes')}
      rows={hosts}
      keyOf={({ cluster, peerId }) => `${cluster}/${peerId}`}
      columns={[
        {
          name: t('col.node'),
          of: ({ cluster, peerId, host, port }) => (
            <PeerLink cluster={cluster} peerId={peerId}>{`${host}:${port}`}</PeerLink>
          ),
        },
        { name: t('col.role'), of: ({ role }) => t(`role.${role === 'origin' ? 'origin' : 'agent'}`) },
        { name: t('col.cluster'), of: ({ cluster }) => cluster },
        { name: t('col.zone'), of: ({ zone }) => zone ?? '–' },
        {
          name: t('col.health'),
          of: ({ state, why }) => (
            <>
              <HealthMark state={state} /> <span class="muted small">{why}</span>
            </>
          ),
        },
        { name: t('swarm.in'), end: true, of: ({ bytesInPerSecond }) => rate(bytesInPerSecond) },
        { name: t('swarm.out'), end: true, of: ({ bytesOutPerSecond }) => rate(bytesOutPerSecond) },
        { name: t('col.downloads'), end: true, of: ({ downloads }) => number(downloads) },
        { name: t('col.blobs'), end: true, of: ({ seeds }) => number(seeds) },
        { name: t('col.version'), of: ({ version }) => version ?? '–' },
        { name: t('col.generation'), of: (host) => <Generation {...host} /> },
        { name: t('col.seen'), of: ({ seenAtMs }) => since(seenAtMs, Date.now()) },
      ]}
    />
  )
}

/** Whoever asks for others begins at the first page. */
const from = (change: Readonly<Record<string, string | undefined>>) => ask({ ...change, last: undefined })
const nothing = { text: '', state: '', role: '', zone: '', cluster: '', behind: '' }

const isFiltered = (query: Place['query']) => Object.keys(nothing).some((name) => (query[name] ?? '') !== '')

const Filters = ({ query }: Pick<Place, 'query'>) => (
  <div class="filters">
    <Choose
      label={t('col.health')}
      any={t('nodes.anyState')}
      value={states.find((each) => each === query['state']) ?? ''}
      options={states.map((each) => [each, t(`health.${each}`)] as const)}
      onChoose={(value) => from({ state: value })}
    />
    <Choose
      label={t('col.role')}
      any={t('nodes.anyRole')}
      value={roles.find((each) => each === query['role']) ?? ''}
      options={roles.map((each) => [each, t(`role.${each}`)] as const)}
      onChoose={(value) => from({ role: value })}
    />
    <Choose
      label={t('nodes.settings')}
      any={t('nodes.anySettings')}
      value={query['behind'] === 'true' ? 'true' : ''}
      options={[['true', t('nodes.isBehind')]]}
      onChoose={(value) => from({ behind: value })}
    />
    <Sought label={t('nodes.byText')} value={query['text'] ?? ''} onSeek={(to) => from({ text: to })} />
    {isFiltered(query) && (
      <button type="button" class="plain" onClick={() => from(nothing)}>
        {t('list.clear')}
      </button>
    )}
  </div>
)

export function NodesPage({ query }: Place) {
  const { last } = query
  const filter = Object.fromEntries(Object.keys(nothing).map((name) => [name, query[name] ?? '']))
  const asked = { ...filter, last, n: 100 }
  const load = useLoad(`nodes?${JSON.stringify(asked)}`, (signal) => get<HostsPage>('/api/v1/hosts', asked, signal), {
    everyMs: 10_000,
  })
  return (
    <>
      <Head title={t('nav.nodes')} what={t('nodes.what')} />
      <Filters query={query} />
      <Card tight>
        <Seen load={load}>
          {({ hosts, next }) => (
            <>
              {hosts.length === 0 ? (
                <Empty title={t('nodes.emptyTitle')}>{t(isFiltered(query) ? 'list.emptyFilter' : 'nodes.empty')}</Empty>
              ) : (
                <HostTable hosts={hosts} />
              )}
              <Pager last={last} next={next} go={(to) => ask({ last: to })} />
            </>
          )}
        </Seen>
      </Card>
    </>
  )
}
