import { t } from '../i18n/index.ts'
import { edgeState, targetOf } from '../pure/cluster-graph.ts'
import { addressOf } from '../pure/paths.ts'
import { get } from '../state/api.ts'
import { format } from '../state/here.ts'
import { useLoad } from '../state/load.ts'
import type { RelationRule, RelationStates, RelationsPage, SeenRelation } from '../state/relations.ts'
import { GivenStates } from './given-states.tsx'
import { Silent } from './names.tsx'
import { Table } from './table.tsx'
import { Card, Empty, Mark, Seen, type Tone } from './ui.tsx'

/** Clusters whose relations of files are not known now. */
export const SilentLead = ({ of }: { readonly of: RelationsPage['silent'] }) =>
  of.length === 0 ? null : (
    <div class="lead">
      <Silent of={of} />
    </div>
  )

const tones: Readonly<Record<ReturnType<typeof edgeState>, Tone>> = {
  ...{ on: 'good', off: 'plain', broken: 'bad', unknown: 'warn' },
}

/** Whether something goes. */
export function RelationMark({ of: relation }: { readonly of: SeenRelation }) {
  const state = edgeState(relation)
  return (
    <>
      <Mark tone={tones[state]}>{t(`relationState.${state}`)}</Mark>
      {relation.lastError !== undefined && (
        <>
          {' '}
          <code>{relation.lastError}</code>
        </>
      )}
    </>
  )
}

export const ruleText = ({ repository, tag }: RelationRule): string => `${repository}:${tag}`

/** The first rules, and how many more there are. */
const FIRST = 3
const RulesInShort = ({ rules }: Pick<SeenRelation, 'rules'>) => (
  <>
    {rules.slice(0, FIRST).map((rule) => (
      <div key={ruleText(rule)}>
        <code>{ruleText(rule)}</code>
      </div>
    ))}
    {rules.length > FIRST && <div class="muted small">{t('relations.moreRules', { n: rules.length - FIRST })}</div>}
  </>
)

/** From which cluster to which; of one that is kept at the manager, the way to its page. */
const Ends = ({ of: relation }: { readonly of: SeenRelation }) => {
  const text = `${relation.from} → ${targetOf(relation)}`
  return relation.id === undefined ? text : <a href={addressOf('relation', { relation: relation.id })}>{text}</a>
}

export const RelationTable = ({ relations }: { readonly relations: readonly SeenRelation[] }) => {
  const { rate } = format()
  return (
    <Table
      label={t('nav.relations')}
      rows={relations}
      keyOf={({ origin, id, from, remote }) => id ?? `${origin}/${from}/${remote}`}
      columns={[
        { name: t('relations.ends'), of: (each) => <Ends of={each} /> },
        { name: t('col.state'), of: (each) => <RelationMark of={each} /> },
        { name: t('relation.rules'), of: (each) => <RulesInShort {...each} /> },
        {
          name: t('relation.limit'),
          end: true,
          of: ({ bandwidth }) => (bandwidth === undefined ? t('relation.noLimit') : rate(bandwidth)),
        },
        { name: t('relations.origin'), of: ({ origin }) => t(`relationOrigin.${origin}`) },
      ]}
    />
  )
}

/** Which build-indexes have the relations that they are to have, and why others have not. */
export function RelationStatesCard() {
  const load = useLoad('relation-states', (signal) => get<RelationStates>('/api/v1/relation-states', {}, signal), {
    everyMs: 5000,
  })
  return (
    <Card title={t('relationStates.title')} tight>
      <Seen load={load}>
        {({ generation, applied, of, buildIndexes }) =>
          buildIndexes.length === 0 ? (
            <Empty title={t('relationStates.emptyTitle')}>{t('relationStates.empty')}</Empty>
          ) : (
            <>
              <p class="lead">{t('relationStates.share', { generation, applied, of })}</p>
              <GivenStates
                title={t('relationStates.title')}
                kind={t('relationStates.buildIndex')}
                nameOf={({ buildIndex }) => buildIndex}
                rows={buildIndexes}
                why={(state, manager) => t(`relationWhy.${state}`, { manager })}
              />
            </>
          )
        }
      </Seen>
    </Card>
  )
}
