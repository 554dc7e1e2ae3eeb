import { useSignal } from '@preact/signals'
import { t } from '../i18n/index.ts'
import { GraphCard } from '../parts/cluster-graph.tsx'
import { Failed, Field, useDoing } from '../parts/form.tsx'
import { HealthMark } from '../parts/names.tsx'
import { Table } from '../parts/table.tsx'
import { Card, Dialog, Empty, Head, Mark, Seen } from '../parts/ui.tsx'
import { addressOf } from '../pure/paths.ts'
import { get, send } from '../state/api.ts'
import { format, go } from '../state/here.ts'
import { useLoad } from '../state/load.ts'
import { put } from '../state/put.ts'
import { may } from '../state/session.ts'
import type { Cluster } from '../state/shapes.ts'

interface ClustersAnswer {
  readonly clusters: readonly Cluster[]
}

function NewCluster({ close }: { readonly close: () => void }) {
  const [name, description] = [useSignal(''), useSignal('')]
  const doing = useDoing()
  const run = () =>
    doing.run(async () => {
      const body = { name: name.value, description: description.value }
      await send('POST', '/api/v1/clusters', { body })
      close()
      go(addressOf('cluster', { cluster: name.value }))
    })
  return (
    <Dialog
      title={t('clusters.new')}
      close={close}
      act={{ text: t('act.create'), run, busy: doing.busy || name.value === '' }}
    >
      <Field name={t('col.name')} hint={t('clusters.nameHint')}>
        <input value={name.value} maxLength={63} onInput={(e) => put(name, e.currentTarget.value)} />
      </Field>
      <Field name={t('col.description')}>
        <input value={description.value} onInput={(e) => put(description, e.currentTarget.value)} />
      </Field>
      <Failed of={doing} />
    </Dialog>
  )
}

const total = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((a, b) => a + b, 0)

export function ClustersPage() {
  const load = useLoad('clusters', (signal) => get<ClustersAnswer>('/api/v1/clusters', { n: 1000 }, signal), {
    everyMs: 10_000,
  })
  const making = useSignal(false)
  const { number } = format()
  return (
    <>
      <Head title={t('nav.clusters')} what={t('clusters.what')}>
        {may('clusters', 'write') && (
          <button type="button" class="main-act" onClick={() => put(making, true)}>
            {t('clusters.new')}
          </button>
        )}
      </Head>
      {making.value && <NewCluster close={() => put(making, false)} />}
      <Card tight>
        <Seen load={load}>
          {({ clusters }) =>
            clusters.length === 0 ? (
              <Empty title={t('clusters.emptyTitle')}>{t('clusters.empty')}</Empty>
            ) : (
              <Table
                label={t('nav.clusters')}
                rows={clusters}
                keyOf={({ id }) => id}
                columns={[
                  {
                    name: t('col.name'),
                    of: ({ name, default: usual }) => (
                      <>
                        <a href={addressOf('cluster', { cluster: name })}>{name}</a>{' '}
                        {usual && <Mark tone="live">{t('clusters.default')}</Mark>}
                      </>
                    ),
                  },
                  { name: t('col.description'), of: ({ description }) => description },
                  { name: t('col.health'), of: ({ state }) => <HealthMark state={state} /> },
                  {
                    name: t('col.members'),
                    end: true,
                    of: ({ members }) => `${number(members['ok'] ?? 0)} / ${number(total(members))}`,
                  },
                  { name: t('col.nodes'), end: true, of: ({ agents }) => number(agents) },
                  { name: t('col.version'), of: ({ versions }) => Object.keys(versions).join(', ') || '–' },
                ]}
              />
            )
          }
        </Seen>
      </Card>
      <GraphCard />
    </>
  )
}
