import { useSignal } from '@preact/signals'
import { t } from '../i18n/index.ts'
import { Failed, Field, useDoing } from '../parts/form.tsx'
import { HealthMark, Id, SwarmLink } from '../parts/names.tsx'
import { Table } from '../parts/table.tsx'
import { Card, Dialog, Empty, Facts, Figures, Head, Mark, Seen, tell } from '../parts/ui.tsx'
import type { Place } from '../pure/paths.ts'
import { get, part, send } from '../state/api.ts'
import { format } from '../state/here.ts'
import { useLoad } from '../state/load.ts'
import { put } from '../state/put.ts'
import { may } from '../state/session.ts'
import type { HostAnswer, Mark as NodeMark } from '../state/views.ts'
import { EffectiveOf } from './effective.tsx'
import { Pulls } from './pulls.tsx'

type Kind = 'bans' | 'drains'

interface ActProps {
  readonly host: HostAnswer
  readonly again: () => void
}

/** Bans or drains a node, after a reason was given. */
function MarkDialog({ host, kind, close, again }: ActProps & { readonly kind: Kind; readonly close: () => void }) {
  const [reason, minutes] = [useSignal(''), useSignal('')]
  const doing = useDoing()
  const run = () =>
    doing.run(async () => {
      const body = { reason: reason.value, ...(minutes.value !== '' && { minutes: Number(minutes.value) }) }
      await send('PUT', `/api/v1/clusters/${part(host.cluster)}/${kind}/${part(host.peerId)}`, { body })
      tell(t(`node.${kind}Done`))
      close()
      again()
    })
  return (
    <Dialog
      title={t(`node.${kind}Title`, { node: `${host.host}:${host.port}` })}
      close={close}
      act={{ text: t(`node.${kind}`), run, danger: kind === 'bans', busy: doing.busy || reason.value.trim() === '' }}
    >
      <p>{t(`node.${kind}What`)}</p>
      <Field name={t('node.reason')}>
        <input value={reason.value} maxLength={500} onInput={(e) => put(reason, e.currentTarget.value)} />
      </Field>
      <Field name={t('node.minutes')} hint={t('node.minutesHint')}>
        <input type="number" min="1" value={minutes.value} onInput={(e) => put(minutes, e.currentTarget.value)} />
      </Field>
      <Failed of={doing} />
    </Dialog>
  )
}

const MarkNote = ({ kind, mark, end }: { readonly kind: Kind; readonly mark: NodeMark; readonly end?: () => void }) => {
  const { since, moment } = format()
  return (
    <div class="trouble soft">
      <h2>{t(kind === 'bans' ? 'health.banned' : 'health.draining')}</h2>
      <p>{mark.reason}</p>
      <p class="small muted">
        {mark.by} · {since(mark.atMs, Date.now())}
        {mark.untilMs !== undefined && ` · ${t('node.until', { moment: moment(mark.untilMs) })}`}
      </p>
      {end !== undefined && (
        <div>
          <button type="button" onClick={end}>
            {t('node.end')}
          </button>
        </div>
      )}
    </div>
  )
}

function Marks({ host, again }: ActProps) {
  const asked = useSignal<Kind | undefined>(undefined)
  const doing = useDoing()
  const allowed = may('members', 'write')
  const end =
    (kind: Kind, { target }: NodeMark) =>
    () =>
      doing.run(async () => {
        await send('DELETE', `/api/v1/clusters/${part(host.cluster)}/${kind}/${part(target)}`)
        again()
      })
  const kinds = [
    ['bans', host.ban],
    ['drains', host.drain],
  ] as const
  return (
    <>
      {kinds.map(
        ([kind, mark]) =>
          mark !== undefined && (
            <MarkNote key={kind} kind={kind} mark={mark} {...(allowed && { end: end(kind, mark) })} />
          ),
      )}
      <Failed of={doing} />
      {allowed && (
        <div class="actions">
          {kinds.map(
            ([kind, mark]) =>
              mark === undefined && (
                <button
                  key={kind}
                  type="button"
                  class={kind === 'bans' ? 'danger' : ''}
                  onClick={() => put(asked, kind)}
                >
                  {t(`node.${kind}`)}
                </button>
              ),
          )}
        </div>
      )}
      {asked.value !== undefined && (
        <MarkDialog host={host} kind={asked.value} close={() => put(asked, undefined)} again={again} />
      )}
    </>
  )
}

const Blobs = ({ host }: Pick<ActProps, 'host'>) => (
  <Card title={t('node.blobs')} tight>
    {host.blobs.length === 0 ? (
      <Empty title={t('node.noBlobs')} />
    ) : (
      <Table
        label={t('node.blobs')}
        rows={host.blobs}
        keyOf={({ swarmId }) => swarmId}
        columns={[
          { name: t('col.blob'), of: (blob) => <SwarmLink cluster={host.cluster} {...blob} /> },
          {
            name: t('col.state'),
            of: ({ complete }) => (
              <Mark tone={complete ? 'good' : 'live'}>{t(complete ? 'node.whole' : 'node.part')}</Mark>
            ),
          },
        ]}
      />
    )}
    {host.next !== undefined && <p class="foot muted">{t('node.moreBlobs')}</p>}
  </Card>
)

const Known = ({ host, again }: ActProps) => {
  const { number, rate, since } = format()
  return (
    <>
      <Figures
        facts={[
          { name: t('swarm.in'), value: rate(host.bytesPerSecond.in) },
          { name: t('swarm.out'), value: rate(host.bytesPerSecond.out) },
          { name: t('col.downloads'), value: number(host.downloads) },
          { name: t('col.blobs'), value: number(host.seeds) },
        ]}
      />
      <div class="grid">
        <Card title={t('node.facts')}>
          <Facts
            facts={[
              { name: t('col.role'), value: t(`role.${host.role === 'origin' ? 'origin' : 'agent'}`) },
              { name: t('col.zone'), value: host.zone ?? '–' },
              { name: t('col.version'), value: host.shoal ?? '–' },
              { name: t('col.generation'), value: host.settings?.generation ?? '–' },
              { name: t('node.id'), value: <code>{host.peerId}</code> },
              { name: t('col.seen'), value: since(host.seenAtMs, Date.now()) },
              ...Object.entries(host.labels ?? {}).map(([name, value]) => ({ name, value })),
            ]}
          />
        </Card>
        <Card title={t('node.health')}>
          <div class="form">
            <p>
              <HealthMark state={host.health?.state ?? 'good'} /> {host.health?.why ?? t('node.healthy')}
            </p>
            <Marks host={host} again={again} />
          </div>
        </Card>
      </div>
      {host.role === 'agent' && <Pulls cluster={host.cluster} peer={host.peerId} />}
      {may('settings', 'read') && (
        <Card title={t('node.settings')} tight>
          <EffectiveOf cluster={host.cluster} host={host.peerId} kind={host.role === 'origin' ? 'origin' : 'agent'} />
        </Card>
      )}
      <Blobs host={host} />
    </>
  )
}

export function NodePage({ params: { cluster = '', peer = '' } }: Place) {
  const address = `/api/v1/hosts/${part(cluster)}/${part(peer)}`
  const load = useLoad(address, (signal) => get<HostAnswer>(address, {}, signal), { everyMs: 5000 })
  const { now } = load
  return (
    <>
      <Head
        above={`${t('nav.nodes')} / ${cluster}`}
        title={now.is === 'ready' ? `${now.value.host}:${now.value.port}` : <Id text={peer} />}
      />
      <Seen load={load} rows={8}>
        {(host) => <Known host={host} again={load.again} />}
      </Seen>
    </>
  )
}
