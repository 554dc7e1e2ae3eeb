import { useSignal } from '@preact/signals'
import { t } from '../i18n/index.ts'
import { Failed, Sure, useDoing } from '../parts/form.tsx'
import { RelationFieldset } from '../parts/relation-fields.tsx'
import { RelationMark, RelationStatesCard, ruleText } from '../parts/relations.tsx'
import { Card, Dialog, Facts, Head, Mark, Seen, tell } from '../parts/ui.tsx'
import { addressOf, type Place } from '../pure/paths.ts'
import { changesOfRelation, fieldsOfRelation, type LackingOfRelation, lackOfRelation } from '../pure/relation-form.ts'
import { type Answer, get, part, send } from '../state/api.ts'
import { format, go } from '../state/here.ts'
import { useLoad } from '../state/load.ts'
import { put } from '../state/put.ts'
import type { Relation, RelationsPage, SeenRelation } from '../state/relations.ts'
import { may } from '../state/session.ts'

const addressAt = (id: string) => `/api/v1/relations/${part(id)}`

interface ActProps {
  /** As it was seen: what somebody else has changed meanwhile is not undone. */
  readonly seen: Answer<Relation>
  readonly close: () => void
}

function Edit({ seen: { value: relation, tag }, close }: ActProps) {
  const fields = useSignal(fieldsOfRelation(relation))
  const lack = useSignal<LackingOfRelation | undefined>(undefined)
  const doing = useDoing()
  const run = () => {
    lack.value = lackOfRelation(fields.value)
    if (lack.value !== undefined) return
    doing.run(async () => {
      const body = changesOfRelation(relation, fields.value)
      await send('PATCH', addressAt(relation.id), { body, seen: tag })
      tell(t('act.saved'))
      close()
    })
  }
  return (
    <Dialog
      title={`${relation.from} → ${relation.to}`}
      close={close}
      act={{ text: t('act.save'), run, busy: doing.busy }}
    >
      <div class="form">
        <RelationFieldset fields={fields} lack={lack.value} />
      </div>
      <Failed of={doing} />
    </Dialog>
  )
}

function Remove({ seen: { value: relation, tag }, close }: ActProps) {
  const ends = { from: relation.from, to: relation.to }
  const work = async () => {
    await send('DELETE', addressAt(relation.id), { seen: tag })
    tell(t('relation.removed', ends))
    go(addressOf('relations'))
  }
  const words = { title: t('relation.removeTitle', ends), what: t('relation.removeWhat'), act: t('act.remove') }
  return <Sure {...words} close={close} work={work} />
}

/** What can be done with a relation. */
function Acts({ seen, again }: { readonly seen: Answer<Relation>; readonly again: () => void }) {
  const { id, isPaused } = seen.value
  const doing = useDoing()
  const shown = useSignal<'edit' | 'remove' | undefined>(undefined)
  const close = () => {
    shown.value = undefined
    again()
  }
  const toggle = () =>
    doing.run(async () => {
      await send('PATCH', addressAt(id), { body: { isPaused: !isPaused }, seen: seen.tag })
      tell(t('act.saved'))
      again()
    })
  return (
    <>
      <div class="actions">
        <button type="button" onClick={() => put(shown, 'edit')}>
          {t('act.edit')}
        </button>
        <button type="button" disabled={doing.busy} onClick={toggle}>
          {t(isPaused ? 'schedules.resume' : 'schedules.pause')}
        </button>
        <button type="button" class="danger" onClick={() => put(shown, 'remove')}>
          {t('act.remove')}
        </button>
      </div>
      <Failed of={doing} />
      {shown.value === 'edit' && <Edit seen={seen} close={close} />}
      {shown.value === 'remove' && <Remove seen={seen} close={close} />}
    </>
  )
}

const lines = (texts: readonly string[]) =>
  texts.map((text) => (
    <div key={text}>
      <code>{text}</code>
    </div>
  ))
const yes = (is: boolean) => t(is ? 'relation.yes' : 'relation.no')

/** What build-indexes say of it, once they do. */
const Now = ({ relation, seen }: { readonly relation: Relation; readonly seen: SeenRelation | undefined }) => {
  if (seen !== undefined) return <RelationMark of={seen} />
  return <Mark tone="plain">{t(`relationState.${relation.isPaused ? 'off' : 'unknown'}`)}</Mark>
}

function RelationFacts({ relation, seen }: { readonly relation: Relation; readonly seen: SeenRelation | undefined }) {
  const { rate, number, moment } = format()
  const urls = relation.urls ?? seen?.urls ?? []
  return (
    <Card title={t('registryUser.facts')}>
      <Facts
        facts={[
          { name: t('col.state'), value: <Now relation={relation} seen={seen} /> },
          { name: t('relation.rules'), value: lines(relation.rules.map(ruleText)) },
          {
            name: t('relation.windows'),
            value:
              relation.windows.length === 0
                ? t('relation.always')
                : lines(relation.windows.map(({ from, to }) => `${from}–${to} UTC`)),
          },
          {
            name: t('relation.limit'),
            value: relation.bandwidth === undefined ? t('relation.noLimit') : rate(relation.bandwidth),
          },
          { name: t('relation.concurrency'), value: number(relation.concurrency) },
          { name: t('relation.signatures'), value: yes(relation.signatures) },
          { name: t('relation.deletes'), value: yes(relation.deletes) },
          { name: t('relation.remote'), value: <code>{relation.remote}</code> },
          { name: t('relation.urls'), value: urls.length === 0 ? '–' : lines(urls) },
          { name: t('registryUser.note'), value: relation.note || '–' },
          { name: t('relation.changed'), value: moment(relation.changedAtMs) },
        ]}
      />
    </Card>
  )
}

interface Looked {
  readonly kept: Answer<Relation>
  readonly seen: SeenRelation | undefined
}

async function read(id: string, signal: AbortSignal): Promise<Looked> {
  const kept = await send<Relation>('GET', addressAt(id), { signal })
  const { relations } = await get<RelationsPage>('/api/v1/relations', { cluster: kept.value.from, n: 1000 }, signal)
  return { kept, seen: relations.find((each) => each.id === kept.value.id) }
}

export function RelationPage({ params: { relation: id = '' } }: Place) {
  const load = useLoad(addressAt(id), (signal) => read(id, signal))
  const { now } = load
  const title = now.is === 'ready' ? `${now.value.kept.value.from} → ${now.value.kept.value.to}` : t('relation.one')
  return (
    <>
      <Head above={<a href={addressOf('relations')}>{t('nav.relations')}</a>} title={title} />
      <Seen load={load} rows={8}>
        {({ kept, seen }) => (
          <>
            {may('clusters', 'write') && <Acts seen={kept} again={load.again} />}
            <RelationFacts relation={kept.value} seen={seen} />
            <RelationStatesCard />
          </>
        )}
      </Seen>
    </>
  )
}
