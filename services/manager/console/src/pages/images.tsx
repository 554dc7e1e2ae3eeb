import { t } from '../i18n/index.ts'
import { Repository, Silent, Sought } from '../parts/names.tsx'
import { Pager, Table } from '../parts/table.tsx'
import { Card, Empty, Head, Seen } from '../parts/ui.tsx'
import type { Place } from '../pure/paths.ts'
import { get } from '../state/api.ts'
import { ask } from '../state/here.ts'
import { useLoad } from '../state/load.ts'
import type { RepositoriesAnswer } from '../state/views.ts'

export function ImagesPage({ query: { text = '', last } }: Place) {
  const asked = { text, last, n: 100 }
  const load = useLoad(`images?${JSON.stringify(asked)}`, (signal) =>
    get<RepositoriesAnswer>('/api/v1/images', asked, signal),
  )
  return (
    <>
      <Head title={t('nav.images')} what={t('images.what')} />
      <div class="filters">
        <Sought label={t('images.byName')} value={text} onSeek={(to) => ask({ text: to, last: undefined })} />
      </div>
      <Card tight>
        <Seen load={load}>
          {({ repositories, next, silent }) => (
            <>
              <Silent of={silent} />
              {repositories.length === 0 ? (
                <Empty title={t('images.emptyTitle')}>{t(text === '' ? 'images.empty' : 'list.emptyFilter')}</Empty>
              ) : (
                <Table
                  label={t('nav.images')}
                  rows={repositories}
                  keyOf={({ repository }) => repository}
                  columns={[
                    { name: t('col.repository'), of: ({ repository }) => <Repository name={repository} /> },
                    { name: t('col.clusters'), of: ({ clusters }) => clusters.join(', ') },
                  ]}
                />
              )}
              <Pager last={last} next={next} go={(to) => ask({ last: to })} />
            </>
          )}
        </Seen>
      </Card>
    </>
  )
}
