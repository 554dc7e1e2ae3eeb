import { useSignal } from '@preact/signals'
import { t } from '../i18n/index.ts'
import { Id, LinkMark, PeerLink, Repository, SwarmMark } from '../parts/names.tsx'
import { Table } from '../parts/table.tsx'
import { Bones, Card, Empty, Facts, Figures, Head, Seen } from '../parts/ui.tsx'
import type { Place } from '../pure/paths.ts'
import { type PeerSum, peersOf, type SwarmState, shareOf, zonesOf } from '../pure/swarm-state.ts'
import { get, part } from '../state/api.ts'
import { ask, format } from '../state/here.ts'
import { useLiveSwarm } from '../state/live.ts'
import { useLoad } from '../state/load.ts'
import { put } from '../state/put.ts'
import type { WholeSwarm } from '../state/views.ts'
import { Graph } from '../swarm/graph.tsx'

/** Rows of the table of peers. */
const MAX_ROWS = 200

const roleText = (role: string) => t(`role.${role === 'origin' ? 'origin' : 'agent'}`)

const Sums = ({ state }: { readonly state: SwarmState }) => {
  const { number, rate, percent } = format()
  const { downloads, seeds, origins } = state.swarm
  const feeds = [...state.feeds.values()]
  const total = feeds.reduce((sum, { bytesPerSecond }) => sum + bytesPerSecond, 0)
  const byPeers = feeds.reduce(
    (sum, { from, bytesPerSecond }) => sum + (state.peers.get(from)?.role === 'origin' ? 0 : bytesPerSecond),
    0,
  )
  return (
    <Figures
      facts={[
        { name: t('swarm.downloading'), value: number(downloads) },
        { name: t('swarm.whole'), value: number(seeds), more: t('swarm.ofOrigins', { n: origins }) },
        { name: t('swarm.moving'), value: rate(total) },
        { name: t('swarm.byPeers'), value: percent(byPeers, total), more: t('swarm.byPeersMore') },
      ]}
    />
  )
}

const Zones = ({ state }: { readonly state: SwarmState }) => {
  const { number, rate, percent } = format()
  return (
    <Card title={t('swarm.zones')} tight>
      <Table
        label={t('swarm.zones')}
        rows={zonesOf(state)}
        keyOf={({ zone }) => zone}
        columns={[
          { name: t('col.zone'), of: ({ zone }) => (zone === '' ? t('swarm.noZone') : zone) },
          { name: t('col.nodes'), end: true, of: ({ peers }) => number(peers) },
          { name: t('swarm.whole'), end: true, of: ({ whole }) => number(whole) },
          { name: t('swarm.in'), end: true, of: ({ inPerSecond }) => rate(inPerSecond) },
          { name: t('swarm.out'), end: true, of: ({ outPerSecond }) => rate(outPerSecond) },
          {
            name: t('swarm.fromElsewhere'),
            end: true,
            of: ({ fromElsewhere, inPerSecond }) => percent(fromElsewhere, inPerSecond),
          },
        ]}
      />
    </Card>
  )
}

const shareText = (sum: PeerSum, state: SwarmState) => {
  const share = shareOf(sum.peer, state)
  return share === undefined ? '–' : format().percent(share, 1)
}

const PeerTable = ({ state, cluster }: { readonly state: SwarmState; readonly cluster: string }) => {
  const { rate, number } = format()
  const all = peersOf(state)
  return (
    <>
      <Table
        label={t('swarm.peers')}
        rows={all.slice(0, MAX_ROWS)}
        keyOf={({ peer }) => peer.peerId}
        columns={[
          {
            name: t('col.node'),
            of: ({ peer: { peerId, host, port } }) => (
              <PeerLink cluster={cluster} peerId={peerId}>{`${host}:${port}`}</PeerLink>
            ),
          },
          { name: t('col.role'), of: ({ peer }) => roleText(peer.role) },
          { name: t('col.zone'), of: ({ peer }) => peer.zone ?? '–' },
          { name: t('swarm.has'), end: true, of: (each) => shareText(each, state) },
          { name: t('swarm.in'), end: true, of: ({ inPerSecond }) => rate(inPerSecond) },
          { name: t('swarm.out'), end: true, of: ({ outPerSecond }) => rate(outPerSecond) },
          { name: t('swarm.failures'), end: true, of: ({ failures }) => number(failures) },
        ]}
      />
      {all.length > MAX_ROWS && (
        <p class="foot muted">{t('swarm.moreRows', { shown: number(MAX_ROWS), all: number(all.length) })}</p>
      )}
    </>
  )
}

interface ChosenProps {
  readonly state: SwarmState
  readonly cluster: string
  readonly id: string | undefined
}

const Chosen = ({ state, cluster, id }: ChosenProps) => {
  const peer = id === undefined ? undefined : state.peers.get(id)
  if (peer === undefined) return <p class="muted">{t('swarm.choose')}</p>
  const { rate, size } = format()
  const named = (other: string) => {
    const found = state.peers.get(other)
    return found === undefined ? <Id text={other} /> : `${found.host}:${found.port}`
  }
  const feeds = [...state.feeds.values()].toSorted((a, b) => b.bytesPerSecond - a.bytesPerSecond)
  const lists = [
    { title: t('swarm.fedBy'), of: feeds.filter(({ to }) => to === id).map((feed) => ({ ...feed, who: feed.from })) },
    { title: t('swarm.feeds'), of: feeds.filter(({ from }) => from === id).map((feed) => ({ ...feed, who: feed.to })) },
  ]
  return (
    <>
      <h3>
        <PeerLink cluster={cluster} peerId={peer.peerId}>{`${peer.host}:${peer.port}`}</PeerLink>
      </h3>
      <Facts
        facts={[
          { name: t('col.role'), value: roleText(peer.role) },
          { name: t('col.zone'), value: peer.zone ?? '–' },
          { name: t('swarm.lacking'), value: peer.complete ? t('swarm.nothing') : size(peer.leftBytes ?? 0) },
        ]}
      />
      {lists.map(({ title, of }) => (
        <div key={title}>
          <h3>{title}</h3>
          {of.length === 0 && <p class="muted">{t('swarm.nobody')}</p>}
          <ul>
            {of.slice(0, 12).map((feed) => (
              <li key={feed.who} class="small">
                <code>{named(feed.who)}</code> <span class="muted">{rate(feed.bytesPerSecond)}</span>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </>
  )
}

const Legend = () => (
  <p class="legend">
    <span>{t('swarm.legendPart')}</span>
    <span class="whole">{t('swarm.legendWhole')}</span>
    <span class="origin">{t('role.origin')}</span>
    <span class="ill">{t('swarm.legendIll')}</span>
  </p>
)

interface ViewProps {
  readonly cluster: string
  readonly swarmId: string
  readonly view: string
}

/** The stream is one for the page; the picture, the sums and the table are made of the same. */
function Live({ cluster, swarmId, view }: ViewProps) {
  const { state, link } = useLiveSwarm(`/api/v1/swarms/${part(cluster)}/${part(swarmId)}/events`)
  const chosen = useSignal<string | undefined>(undefined)
  const now = state.value
  if (now === undefined) return <Bones rows={8} />
  const choose = (next: 'graph' | 'table') => (
    <button type="button" aria-pressed={view === next} onClick={() => ask({ view: next === 'graph' ? '' : next })}>
      {t(`swarm.${next}`)}
    </button>
  )
  return (
    <>
      <Sums state={now} />
      {now.swarm.state === 'starving' && <p class="trouble">{t('swarm.starving')}</p>}
      <Card
        tight
        title={t('swarm.whoFeeds')}
        more={
          <div class="row">
            <LinkMark link={link.value} />
            <span class="seg">
              {choose('graph')}
              {choose('table')}
            </span>
          </div>
        }
      >
        {view === 'table' ? (
          <PeerTable state={now} cluster={cluster} />
        ) : (
          <>
            <div class="swarm">
              <Graph state={state} chosen={chosen.value} choose={(id) => put(chosen, id)} />
              <aside aria-label={t('swarm.chosen')}>
                <Chosen state={now} cluster={cluster} id={chosen.value} />
              </aside>
            </div>
            <div class="foot">
              <Legend />
            </div>
          </>
        )}
        {now.cut && <p class="foot muted">{t('swarm.cut')}</p>}
      </Card>
      <Zones state={now} />
    </>
  )
}

const Repositories = ({ names }: { readonly names: readonly string[] }) =>
  names.length === 0 ? (
    <span>{t('swarm.noRepository')}</span>
  ) : (
    <span>
      {names.slice(0, 8).map((name, i) => (
        <span key={name}>
          {i > 0 && ', '}
          <Repository name={name} />
        </span>
      ))}
    </span>
  )

export function SwarmPage({ params, query }: Place) {
  const { cluster = '', swarm = '' } = params
  const address = `/api/v1/swarms/${part(cluster)}/${part(swarm)}`
  const load = useLoad(address, (signal) => get<WholeSwarm>(address, {}, signal))
  const row = load.now.is === 'ready' ? load.now.value.swarm : undefined
  return (
    <>
      <Head
        above={`${t('nav.swarms')} / ${cluster}`}
        title={
          <>
            {t('col.blob')} <Id text={row?.digest ?? swarm} />
          </>
        }
        what={row && <Repositories names={row.repositories} />}
      >
        {row && <SwarmMark state={row.state} />}
      </Head>
      <Seen load={load} rows={8}>
        {({ swarm: { swarmId }, peers }) =>
          peers.length === 0 ? (
            <Card>
              <Empty title={t('swarm.emptyTitle')}>{t('swarm.empty')}</Empty>
            </Card>
          ) : (
            <Live cluster={cluster} swarmId={swarmId} view={query['view'] === 'table' ? 'table' : 'graph'} />
          )
        }
      </Seen>
    </>
  )
}
