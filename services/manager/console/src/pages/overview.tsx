import { t } from '../i18n/index.ts'
import { Chart } from '../parts/chart.tsx'
import { Table } from '../parts/table.tsx'
import { Card, Empty, Figures, Head, Mark, Seen } from '../parts/ui.tsx'
import { addressOf } from '../pure/paths.ts'
import { get } from '../state/api.ts'
import { format } from '../state/here.ts'
import { useLoad } from '../state/load.ts'
import type { ClusterNow, Overview } from '../state/views.ts'

const sum = (clusters: readonly ClusterNow[], of: (cluster: ClusterNow) => number) =>
  clusters.reduce((total, each) => total + of(each), 0)

function Now({ clusters, samples }: Overview) {
  const { number, percent, rate } = format()
  const last = samples.at(-1)
  const { pulledPerSecond: pulled, originsPerSecond: origins, backendPerSecond: backend } = last ?? {}
  const saved = pulled === undefined || origins === undefined ? undefined : Math.max(0, pulled - origins)
  const away = clusters.filter((each) => each.away).length
  const unknown = <span class="muted">{t('overview.unknown')}</span>
  return (
    <Figures
      facts={[
        {
          name: t('overview.clusters'),
          value: number(clusters.length),
          more: away === 0 ? t('overview.allAnswer') : t('overview.away', { n: away }),
        },
        { name: t('overview.nodes'), value: number(sum(clusters, ({ hosts }) => hosts)) },
        { name: t('overview.downloads'), value: number(sum(clusters, ({ downloads }) => downloads)) },
        {
          name: t('overview.finished'),
          value: last?.finishedPerMinute === undefined ? unknown : number(last.finishedPerMinute),
          more: t('overview.perMinute'),
        },
        {
          name: t('overview.saved'),
          value: saved === undefined ? unknown : percent(saved, pulled ?? 0),
          more: saved === undefined ? undefined : t('overview.savedRate', { rate: rate(saved) }),
        },
        { name: t('overview.origins'), value: origins === undefined ? unknown : rate(origins) },
        { name: t('overview.backend'), value: backend === undefined ? unknown : rate(backend) },
      ]}
    />
  )
}

const Charts = ({ samples }: Overview) => {
  const atMs = samples.map((each) => each.atMs)
  return (
    <div class="grid">
      <Card title={t('overview.traffic')}>
        <Chart
          label={t('overview.traffic')}
          atMs={atMs}
          write={format().rate}
          series={[
            { name: t('overview.pulled'), colour: 'accent', values: samples.map((s) => s.pulledPerSecond) },
            { name: t('overview.origins'), colour: 'warn', values: samples.map((s) => s.originsPerSecond) },
            { name: t('overview.backend'), colour: 'muted', values: samples.map((s) => s.backendPerSecond) },
          ]}
        />
      </Card>
      <Card title={t('overview.pulls')}>
        <Chart
          label={t('overview.pulls')}
          atMs={atMs}
          write={format().number}
          series={[
            { name: t('overview.finished'), colour: 'good', values: samples.map((s) => s.finishedPerMinute) },
            { name: t('overview.downloads'), colour: 'accent', values: samples.map((s) => s.downloads) },
          ]}
        />
      </Card>
    </div>
  )
}

const Clusters = ({ clusters }: Overview) => {
  const { number } = format()
  return (
    <Card title={t('nav.clusters')} tight more={<a href={addressOf('clusters')}>{t('overview.allClusters')}</a>}>
      <Table
        label={t('nav.clusters')}
        rows={clusters}
        keyOf={({ cluster }) => cluster}
        columns={[
          { name: t('col.cluster'), of: ({ cluster }) => <a href={addressOf('cluster', { cluster })}>{cluster}</a> },
          {
            name: t('col.state'),
            of: ({ away }) => <Mark tone={away ? 'bad' : 'good'}>{t(away ? 'health.away' : 'health.ok')}</Mark>,
          },
          { name: t('col.nodes'), end: true, of: ({ hosts }) => number(hosts) },
          { name: t('col.trackers'), end: true, of: ({ trackers }) => number(trackers) },
          { name: t('col.swarms'), end: true, of: ({ swarms }) => number(swarms) },
          { name: t('col.downloads'), end: true, of: ({ downloads }) => number(downloads) },
          { name: t('col.copies'), end: true, of: ({ copies }) => number(copies) },
          { name: t('col.marked'), end: true, of: ({ bans, drains }) => `${number(bans)} / ${number(drains)}` },
        ]}
      />
    </Card>
  )
}

export function OverviewPage() {
  const load = useLoad('overview', (signal) => get<Overview>('/api/v1/overview', {}, signal), { everyMs: 5000 })
  return (
    <>
      <Head title={t('nav.overview')} what={t('overview.what')} />
      <Seen load={load} rows={8}>
        {(overview) =>
          overview.clusters.length === 0 ? (
            <Card>
              <Empty title={t('overview.emptyTitle')}>
                {t('overview.empty')} <a href={addressOf('clusters')}>{t('nav.clusters')}</a>
              </Empty>
            </Card>
          ) : (
            <>
              <Now {...overview} />
              <Charts {...overview} />
              <Clusters {...overview} />
            </>
          )
        }
      </Seen>
    </>
  )
}
