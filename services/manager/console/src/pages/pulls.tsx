import { t } from '../i18n/index.ts'
import { Choose } from '../parts/form.tsx'
import { Repository } from '../parts/names.tsx'
import { askedText, OutcomeMark, WaitText } from '../parts/pull-words.tsx'
import { Pager, Table } from '../parts/table.tsx'
import { Card, Empty, Seen } from '../parts/ui.tsx'
import { addressOf } from '../pure/paths.ts'
import { get, part } from '../state/api.ts'
import { ask, format, place } from '../state/here.ts'
import { useLoad } from '../state/load.ts'
import type { PullsAnswer } from '../state/pulls.ts'

interface Node {
  readonly cluster: string
  readonly peer: string
}

const limits = ['1000', '5000', '30000'] as const

const PullTable = ({ cluster, peer, pulls }: Node & Pick<PullsAnswer, 'pulls'>) => {
  const { size, span, since } = format()
  return (
    <Table
      label={t('pulls.title')}
      rows={pulls}
      keyOf={({ id }) => id}
      columns={[
        {
          name: t('pull.asked'),
          of: (pull) => (
            <a class="mono" href={addressOf('pull', { cluster, peer, id: pull.id })}>
              {askedText(pull)}
            </a>
          ),
        },
        { name: t('col.repository'), of: ({ repository }) => <Repository name={repository} /> },
        { name: t('pull.kind'), of: ({ kind }) => t(`pullKind.${kind}`) },
        { name: t('pulls.began'), of: ({ startedAtMs }) => since(startedAtMs, Date.now()) },
        { name: t('pulls.outcome'), of: (pull) => <OutcomeMark {...pull} /> },
        {
          name: t('pulls.waitedMost'),
          of: ({ longestWait }) => (longestWait === undefined ? '–' : <WaitText {...longestWait} />),
        },
        { name: t('col.size'), end: true, of: (pull) => (pull.size === undefined ? '–' : size(pull.size)) },
        { name: t('pulls.took'), end: true, of: ({ totalMs }) => span(totalMs) },
      ]}
    />
  )
}

/** The last pulls of a node, as it tells them itself. */
export function Pulls({ cluster, peer }: Node) {
  const { slowerThan = '', pulls: last } = place.value?.query ?? {}
  const asked = { slowerThan, last, n: 20 }
  const address = `/api/v1/hosts/${part(cluster)}/${part(peer)}/pulls`
  const load = useLoad(`${address}?${JSON.stringify(asked)}`, (signal) => get<PullsAnswer>(address, asked, signal), {
    everyMs: 5000,
  })
  const { span } = format()
  const choose = (
    <Choose
      label={t('pulls.slowest')}
      any={t('pulls.anyTime')}
      value={limits.find((each) => each === slowerThan) ?? ''}
      options={limits.map((each) => [each, `> ${span(Number(each))}`] as const)}
      onChoose={(chosen) => ask({ slowerThan: chosen, pulls: undefined })}
    />
  )
  return (
    <Card title={t('pulls.title')} more={choose} tight>
      <Seen load={load} rows={3}>
        {({ pulls, next }) => (
          <>
            {pulls.length === 0 ? (
              <Empty title={t('pulls.emptyTitle')}>{t('pulls.empty')}</Empty>
            ) : (
              <PullTable cluster={cluster} peer={peer} pulls={pulls} />
            )}
            <Pager last={last} next={next} go={(to) => ask({ pulls: to })} />
          </>
        )}
      </Seen>
    </Card>
  )
}
