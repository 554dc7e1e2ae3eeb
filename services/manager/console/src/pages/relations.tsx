import { useSignal } from '@preact/signals'
import { t } from '../i18n/index.ts'
import { useClusterWords } from '../parts/cluster-words.ts'
import { Choose, Failed, useDoing } from '../parts/form.tsx'
import { RelationFieldset, WhichFields } from '../parts/relation-fields.tsx'
import { RelationStatesCard, RelationTable, SilentLead } from '../parts/relations.tsx'
import { Pager } from '../parts/table.tsx'
import { Card, Dialog, Empty, Head, Seen } from '../parts/ui.tsx'
import { addressOf, type Place } from '../pure/paths.ts'
import { emptyRelation, type LackingOfRelation, lackOfRelation, newRelationOf } from '../pure/relation-form.ts'
import { get, send } from '../state/api.ts'
import { ask, go } from '../state/here.ts'
import { useLoad } from '../state/load.ts'
import { put } from '../state/put.ts'
import type { RelationsPage as Answer, Relation } from '../state/relations.ts'
import { may } from '../state/session.ts'

function NewRelation({ from, close }: { readonly from: string; readonly close: () => void }) {
  const fields = useSignal({ ...emptyRelation, from })
  const lack = useSignal<LackingOfRelation | undefined>(undefined)
  const doing = useDoing()
  const run = () => {
    lack.value = lackOfRelation(fields.value)
    if (lack.value !== undefined) return
    doing.run(async () => {
      const { value } = await send<Relation>('POST', '/api/v1/relations', { body: newRelationOf(fields.value) })
      go(addressOf('relation', { relation: value.id }))
    })
  }
  return (
    <Dialog title={t('relations.new')} close={close} act={{ text: t('act.create'), run, busy: doing.busy }}>
      <div class="form">
        <WhichFields fields={fields} lack={lack.value} />
        <RelationFieldset fields={fields} lack={lack.value} />
      </div>
      <Failed of={doing} />
    </Dialog>
  )
}

export function RelationsPage({ query: { cluster = '', last } }: Place) {
  const load = useLoad(
    `relations/${cluster}/${last ?? ''}`,
    (signal) => get<Answer>('/api/v1/relations', { n: 100, cluster, last }, signal),
    { everyMs: 10_000 },
  )
  const making = useSignal(false)
  const names = useClusterWords()
  return (
    <>
      <Head title={t('nav.relations')} what={t('relations.what')}>
        {may('clusters', 'write') && (
          <button type="button" class="main-act" onClick={() => put(making, true)}>
            {t('relations.new')}
          </button>
        )}
      </Head>
      <div class="filters">
        <Choose
          label={t('col.cluster')}
          any={t('relations.anyCluster')}
          value={cluster}
          options={[...new Set([...names, ...(cluster === '' ? [] : [cluster])])].map((name) => [name, name] as const)}
          onChoose={(value) => ask({ cluster: value, last: undefined })}
        />
      </div>
      <Card tight>
        <Seen load={load}>
          {({ relations, silent, next }) => (
            <>
              <SilentLead of={silent} />
              {relations.length === 0 ? (
                <Empty title={t('relations.emptyTitle')}>
                  {t(cluster === '' ? 'relations.empty' : 'list.emptyFilter')}
                </Empty>
              ) : (
                <RelationTable relations={relations} />
              )}
              <Pager last={last} next={next} go={(to) => ask({ last: to })} />
            </>
          )}
        </Seen>
      </Card>
      <RelationStatesCard />
      {making.value && <NewRelation from={cluster} close={() => put(making, false)} />}
    </>
  )
}
