import { t } from '../i18n/index.ts'
import { Choose } from '../parts/form.tsx'
import { RolloutMark, rolloutStates, SlotLink } from '../parts/steer.tsx'
import { Pager, Table } from '../parts/table.tsx'
import { Card, Empty, Head, Seen } from '../parts/ui.tsx'
import { addressOf, type Place } from '../pure/paths.ts'
import { get } from '../state/api.ts'
import { ask, format } from '../state/here.ts'
import { useLoad } from '../state/load.ts'
import type { RolloutsPage as Answer } from '../state/steer.ts'

const Rollouts = ({ rollouts }: Answer) => {
  const { moment } = format()
  return (
    <Table
      label={t('nav.rollouts')}
      rows={rollouts}
      keyOf={({ id }) => id}
      columns={[
        {
          name: t('audit.when'),
          of: ({ id, madeAtMs }) => <a href={addressOf('rollout', { id })}>{moment(madeAtMs)}</a>,
        },
        { name: t('settings.forWhom'), of: (rollout) => <SlotLink {...rollout} /> },
        { name: t('col.state'), of: ({ state }) => <RolloutMark state={state} /> },
        { name: t('rollout.step'), of: ({ step, steps }) => t('rollout.stepOf', { step, steps }) },
        { name: t('col.version'), of: ({ from, to }) => `${from ?? '–'} → ${to}` },
        { name: t('col.why'), of: ({ halt }) => (halt === undefined ? null : t(`halt.${halt}`)) },
      ]}
    />
  )
}

export function RolloutsPage({ query: { state = '', last } }: Place) {
  const load = useLoad(
    `rollouts/${state}/${last ?? ''}`,
    (signal) => get<Answer>('/api/v1/rollouts', { n: 100, state, last }, signal),
    { everyMs: 5000 },
  )
  return (
    <>
      <Head title={t('nav.rollouts')} what={t('rollouts.what')} />
      <div class="filters">
        <Choose
          label={t('col.state')}
          any={t('swarms.anyState')}
          value={rolloutStates.find((each) => each === state) ?? ''}
          options={rolloutStates.map((each) => [each, t(`rolloutState.${each}`)] as const)}
          onChoose={(value) => ask({ state: value, last: undefined })}
        />
      </div>
      <Card tight>
        <Seen load={load}>
          {(page) => (
            <>
              {page.rollouts.length === 0 ? (
                <Empty title={t('rollouts.emptyTitle')}>
                  {t(state === '' ? 'rollouts.empty' : 'list.emptyFilter')}
                </Empty>
              ) : (
                <Rollouts {...page} />
              )}
              <Pager last={last} next={page.next} go={(to) => ask({ last: to })} />
            </>
          )}
        </Seen>
      </Card>
    </>
  )
}
