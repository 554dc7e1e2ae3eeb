import { t } from '../i18n/index.ts'
import { Choose } from '../parts/form.tsx'
import { Repository, Silent, Sought, SwarmLink, SwarmMark } from '../parts/names.tsx'
import { Pager, Table } from '../parts/table.tsx'
import { Card, Empty, Head, Seen } from '../parts/ui.tsx'
import type { Place } from '../pure/paths.ts'
import { get } from '../state/api.ts'
import { ask, format } from '../state/here.ts'
import { useLoad } from '../state/load.ts'
import type { SwarmsPage as Page, SwarmRow } from '../state/views.ts'

const states = ['downloading', 'starving', 'seeded'] as const

export const SwarmTable = ({
  swarms,
  bare = false,
}: {
  readonly swarms: readonly SwarmRow[]
  readonly bare?: boolean
}) => {
  const { number } = format()
  return (
    <Table
      label={t('nav.swarms')}
      rows={swarms}
      keyOf={({ cluster, swarmId }) => `${cluster}/${swarmId}`}
      columns={[
        { name: t('col.blob'), of: (swarm) => <SwarmLink {...swarm} /> },
        ...(bare
          ? []
          : [
              {
                name: t('col.repository'),
                of: ({ repositories: [first, ...more] }: SwarmRow) =>
                  first === undefined ? (
                    <span class="muted">–</span>
                  ) : (
                    <>
                      <Repository name={first} /> {more.length > 0 && <span class="muted">+{more.length}</span>}
                    </>
                  ),
              },
              { name: t('col.cluster'), of: ({ cluster }: SwarmRow) => cluster },
            ]),
        { name: t('col.state'), of: ({ state }) => <SwarmMark state={state} /> },
        { name: t('col.downloads'), end: true, of: ({ downloads }) => number(downloads) },
        { name: t('col.copies'), end: true, of: ({ seeds }) => number(seeds) },
        { name: t('col.origins'), end: true, of: ({ origins }) => number(origins) },
      ]}
    />
  )
}

export function SwarmsPage({ query }: Place) {
  const { state = '', digest = '', cluster = '', repository = '', last } = query
  const asked = { state, digest, cluster, repository, last, n: 50 }
  const load = useLoad(`swarms?${JSON.stringify(asked)}`, (signal) => get<Page>('/api/v1/swarms', asked, signal), {
    everyMs: 5000,
  })
  const filtered = state + digest + cluster + repository !== ''
  return (
    <>
      <Head title={t('nav.swarms')} what={t('swarms.what')} />
      <div class="filters">
        <Choose
          label={t('col.state')}
          any={t('swarms.anyState')}
          value={states.find((each) => each === state) ?? ''}
          options={states.map((each) => [each, t(`swarmState.${each}`)] as const)}
          onChoose={(value) => ask({ state: value, last: undefined })}
        />
        <Sought label={t('swarms.byDigest')} value={digest} onSeek={(text) => ask({ digest: text, last: undefined })} />
        {filtered && (
          <button
            type="button"
            class="plain"
            onClick={() => ask({ state: '', digest: '', cluster: '', repository: '', last: undefined })}
          >
            {t('list.clear')}
          </button>
        )}
      </div>
      <Card tight>
        <Seen load={load}>
          {({ swarms, next, silent }) => (
            <>
              <Silent of={silent} />
              {swarms.length === 0 ? (
                <Empty title={t('swarms.emptyTitle')}>{t(filtered ? 'list.emptyFilter' : 'swarms.empty')}</Empty>
              ) : (
                <SwarmTable swarms={swarms} />
              )}
              <Pager last={last} next={next} go={(to) => ask({ last: to })} />
            </>
          )}
        </Seen>
      </Card>
    </>
  )
}
