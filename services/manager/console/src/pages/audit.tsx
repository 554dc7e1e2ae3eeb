import { t } from '../i18n/index.ts'
import { Pager, Table } from '../parts/table.tsx'
import { Card, Empty, Head, Seen } from '../parts/ui.tsx'
import type { Place } from '../pure/paths.ts'
import { get } from '../state/api.ts'
import { ask, format } from '../state/here.ts'
import { useLoad } from '../state/load.ts'
import type { AuditRow } from '../state/shapes.ts'

interface AuditPageAnswer {
  readonly audit: readonly AuditRow[]
  readonly next?: string
}

export function AuditPage({ query: { last } }: Place) {
  const load = useLoad(`audit/${last ?? ''}`, (signal) =>
    get<AuditPageAnswer>('/api/v1/audit', { n: 100, last }, signal),
  )
  const { moment } = format()
  return (
    <>
      <Head title={t('nav.audit')} what={t('audit.what')} />
      <Card tight>
        <Seen load={load} rows={8}>
          {({ audit, next }) => (
            <>
              {audit.length === 0 ? (
                <Empty title={t('audit.emptyTitle')}>{t('audit.empty')}</Empty>
              ) : (
                <Table
                  label={t('nav.audit')}
                  rows={audit}
                  keyOf={({ id }) => id}
                  columns={[
                    { name: t('audit.when'), of: ({ atMs }) => moment(atMs) },
                    { name: t('audit.who'), of: ({ actor }) => actor },
                    { name: t('audit.did'), of: ({ action }) => <code>{action}</code> },
                    { name: t('audit.toWhat'), of: ({ target }) => target },
                    {
                      name: t('audit.outcome'),
                      of: ({ outcome, code }) =>
                        outcome === undefined ? null : (
                          <>
                            {t(`audit.${outcome}`)} {code !== undefined && <code>{code}</code>}
                          </>
                        ),
                    },
                    {
                      name: t('audit.detail'),
                      of: ({ detail }) =>
                        detail === undefined ? null : <code class="muted">{JSON.stringify(detail)}</code>,
                    },
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
