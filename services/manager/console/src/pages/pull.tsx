import { t } from '../i18n/index.ts'
import { Id, PeerLink, Repository } from '../parts/names.tsx'
import { askedText, OutcomeMark, sourceText, WaitText } from '../parts/pull-words.tsx'
import { Table } from '../parts/table.tsx'
import { Card, Empty, Facts, Figures, Head, Seen } from '../parts/ui.tsx'
import type { Place } from '../pure/paths.ts'
import { sideOf, speedOf, stretchOf } from '../pure/pull-time.ts'
import { get, part } from '../state/api.ts'
import { format } from '../state/here.ts'
import { useLoad } from '../state/load.ts'
import type { Pull } from '../state/pulls.ts'

/** The longest waits where they lie in the pull, each a line of its own. */
const Timeline = ({ longest, totalMs }: Pull) => {
  const { span } = format()
  return (
    <ol class="timeline">
      {longest.map((wait, i) => {
        const { from, width } = stretchOf(wait, totalMs)
        return (
          <li key={`${wait.atMs}-${i}`}>
            <span class="track">
              <i class={sideOf(wait.cause)} style={{ marginInlineStart: `${from}%`, width: `${width}%` }} />
            </span>
            <span>
              <WaitText {...wait} />{' '}
              <span class="muted">
                {span(wait.atMs)} + {span(wait.ms)}
              </span>
            </span>
          </li>
        )
      })}
    </ol>
  )
}

const Waits = ({ waits, totalMs }: Pull) => {
  const { number, percent, span } = format()
  return (
    <Table
      label={t('pull.waits')}
      rows={waits.toSorted((a, b) => b.ms - a.ms)}
      keyOf={({ cause, from }) => `${cause} ${from?.id ?? ''}`}
      columns={[
        { name: t('pull.waits'), of: (wait) => <WaitText {...wait} /> },
        { name: t('pull.times'), end: true, of: ({ times }) => number(times) },
        { name: t('pull.share'), end: true, of: ({ ms }) => percent(ms, totalMs) },
        { name: t('pulls.took'), end: true, of: ({ ms }) => span(ms) },
      ]}
    />
  )
}

const Sources = ({ cluster, sources }: Pick<Pull, 'sources'> & { readonly cluster: string }) => {
  const { number, rate, size } = format()
  if (sources.length === 0) return <Empty title={t('pull.noSources')} />
  return (
    <Table
      label={t('pull.sources')}
      rows={sources.toSorted((a, b) => b.bytes - a.bytes)}
      keyOf={({ id, address }) => `${id} ${address}`}
      columns={[
        {
          name: t('col.node'),
          of: (source) => (
            <PeerLink cluster={cluster} peerId={source.id}>
              {sourceText(source)}
            </PeerLink>
          ),
        },
        { name: t('col.role'), of: ({ role }) => t(`role.${role}`) },
        { name: t('pull.gave'), end: true, of: ({ bytes }) => size(bytes) },
        { name: t('pull.lately'), end: true, of: ({ bytesPerSecond: lately }) => (lately ? rate(lately) : '–') },
        { name: t('pull.late'), end: true, of: ({ late }) => number(late) },
        { name: t('pull.refused'), end: true, of: ({ refused }) => number(refused) },
        { name: t('pull.wrong'), end: true, of: ({ wrong }) => number(wrong) },
      ]}
    />
  )
}

const What = ({ pull }: { readonly pull: Pull }) => {
  const { moment, percent, size } = format()
  const { bytes, application, digest, lastStepFailed: step } = pull
  const all = bytes.peer + bytes.origin + bytes.http + bytes.cache
  const ways = (['peer', 'origin', 'http', 'cache'] as const).filter((way) => bytes[way] > 0)
  return (
    <div class="grid">
      <Card title={t('pull.facts')}>
        <Facts
          facts={[
            { name: t('pulls.outcome'), value: <OutcomeMark {...pull} /> },
            { name: t('col.repository'), value: <Repository name={pull.repository} /> },
            { name: t('pull.kind'), value: t(`pullKind.${pull.kind}`) },
            ...(digest === undefined ? [] : [{ name: t('col.blob'), value: <Id text={digest} /> }]),
            { name: t('pulls.began'), value: moment(pull.startedAtMs) },
            { name: t('pull.class'), value: t(`pullClass.${pull.class}`) },
            ...(application === undefined ? [] : [{ name: t('pull.application'), value: application }]),
            ...(step === undefined ? [] : [{ name: t('pull.step'), value: <code>{step}</code> }]),
          ]}
        />
      </Card>
      <Card title={t('pull.from')}>
        {ways.length === 0 ? (
          <Empty title={t('pull.noSources')} />
        ) : (
          <Facts
            facts={ways.map((way) => ({
              name: t(`bytesFrom.${way}`),
              value: `${size(bytes[way])} · ${percent(bytes[way], all)}`,
            }))}
          />
        )}
      </Card>
    </div>
  )
}

const Names = ({ names }: Pick<Pull, 'names'>) => (
  <Card title={t('pull.names')} tight>
    <Table
      label={t('pull.names')}
      rows={names}
      keyOf={({ as, digest }) => `${as} ${digest}`}
      columns={[
        { name: t('pull.kind'), of: ({ as }) => t(`named.${as}`) },
        { name: t('col.blob'), of: ({ digest }) => <code>{digest}</code> },
      ]}
    />
  </Card>
)

const Known = ({ pull, cluster }: { readonly pull: Pull; readonly cluster: string }) => {
  const { rate, size, span } = format()
  const speed = speedOf(pull)
  return (
    <>
      <Figures
        facts={[
          { name: t('pull.first'), value: pull.firstByteMs === undefined ? '–' : span(pull.firstByteMs) },
          { name: t('pull.whole'), value: span(pull.totalMs) },
          { name: t('pull.size'), value: pull.size === undefined ? '–' : size(pull.size) },
          { name: t('pull.speed'), value: speed === undefined ? '–' : rate(speed) },
        ]}
      />
      <What pull={pull} />
      <Card title={t('pull.waits')} tight>
        {pull.waits.length === 0 ? <Empty title={t('pull.noWaits')} /> : <Waits {...pull} />}
      </Card>
      {pull.longest.length > 0 && (
        <Card title={t('pull.timeline')}>
          <Timeline {...pull} />
        </Card>
      )}
      <Card title={t('pull.sources')} tight>
        <Sources cluster={cluster} sources={pull.sources} />
      </Card>
      {pull.names.length > 0 && <Names names={pull.names} />}
    </>
  )
}

/** Why one pull took as long as it did. */
export function PullPage({ params: { cluster = '', peer = '', id = '' } }: Place) {
  const address = `/api/v1/hosts/${part(cluster)}/${part(peer)}/pulls/${part(id)}`
  const load = useLoad(address, (signal) => get<Pull>(address, {}, signal), { everyMs: 2000 })
  const { now } = load
  const above = (
    <>
      {t('nav.nodes')} / {cluster} /{' '}
      <PeerLink cluster={cluster} peerId={peer}>
        {peer.slice(0, 12)}
      </PeerLink>
    </>
  )
  return (
    <>
      <Head
        above={above}
        title={now.is === 'ready' ? `${now.value.repository} ${askedText(now.value)}` : <code>{id}</code>}
        what={t('pull.what')}
      />
      <Seen load={load} rows={8}>
        {(pull) => <Known pull={pull} cluster={cluster} />}
      </Seen>
    </>
  )
}
