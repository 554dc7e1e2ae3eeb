import { useSignal } from '@preact/signals'
import { t } from '../i18n/index.ts'
import { Failed, Field, useDoing } from '../parts/form.tsx'
import { HealthMark } from '../parts/names.tsx'
import { Table } from '../parts/table.tsx'
import { Card, Dialog, Empty, Facts, Head, Mark, Secret, Seen } from '../parts/ui.tsx'
import { addressOf, type Place } from '../pure/paths.ts'
import { get, part, send } from '../state/api.ts'
import { format } from '../state/here.ts'
import { useLoad } from '../state/load.ts'
import { put } from '../state/put.ts'
import { may } from '../state/session.ts'
import type { Cluster, JoinToken, Member } from '../state/shapes.ts'

interface All {
  readonly cluster: Cluster
  readonly members: readonly Member[]
  readonly tokens: readonly JoinToken[]
}

async function read(name: string, signal: AbortSignal): Promise<All> {
  const address = `/api/v1/clusters/${part(name)}`
  const [cluster, { members }, { tokens }] = await Promise.all([
    get<Cluster>(address, {}, signal),
    get<Pick<All, 'members'>>('/api/v1/members', { cluster: name, n: 1000 }, signal),
    get<Pick<All, 'tokens'>>(`${address}/tokens`, {}, signal),
  ])
  return { cluster, members, tokens }
}

/** Makes a token by which services join; it is shown this once. */
function NewToken({ cluster, close }: { readonly cluster: string; readonly close: () => void }) {
  const [name, hours, made] = [useSignal(''), useSignal('24'), useSignal<string | undefined>(undefined)]
  const doing = useDoing()
  const run = () =>
    doing.run(async () => {
      const body = { name: name.value, hours: Number(hours.value) }
      const { value } = await send<{ readonly token: string }>('POST', `/api/v1/clusters/${part(cluster)}/tokens`, {
        body,
      })
      made.value = value.token
    })
  if (made.value !== undefined)
    return (
      <Dialog title={t('cluster.tokenMade')} close={close}>
        <p>{t('secret.once')}</p>
        <Secret text={made.value} />
        <p class="muted">{t('cluster.tokenUse')}</p>
      </Dialog>
    )
  return (
    <Dialog
      title={t('cluster.newToken')}
      close={close}
      act={{ text: t('act.create'), run, busy: doing.busy || name.value === '' }}
    >
      <Field name={t('col.name')}>
        <input value={name.value} maxLength={64} onInput={(e) => put(name, e.currentTarget.value)} />
      </Field>
      <Field name={t('cluster.hours')}>
        <input type="number" min="1" value={hours.value} onInput={(e) => put(hours, e.currentTarget.value)} />
      </Field>
      <Failed of={doing} />
    </Dialog>
  )
}

const Members = ({ members }: Pick<All, 'members'>) => {
  const { since } = format()
  return (
    <Card title={t('cluster.members')} tight>
      {members.length === 0 ? (
        <Empty title={t('cluster.noMembersTitle')}>{t('cluster.noMembers')}</Empty>
      ) : (
        <Table
          label={t('cluster.members')}
          rows={members}
          keyOf={({ id }) => id}
          columns={[
            { name: t('col.kind'), of: ({ kind }) => kind },
            { name: t('col.name'), of: ({ member }) => member },
            {
              name: t('col.health'),
              of: ({ state, reasons, sinceMs }) => (
                <>
                  <HealthMark state={state} /> <span class="muted small">{since(sinceMs, Date.now())}</span>
                  {reasons.map((reason) => (
                    <div key={reason} class="small">
                      {reason}
                    </div>
                  ))}
                </>
              ),
            },
            { name: t('col.zone'), of: ({ zone }) => zone ?? '–' },
            { name: t('col.version'), of: ({ version }) => version },
            { name: t('col.generation'), end: true, of: ({ generation }) => generation ?? '–' },
            { name: t('col.address'), of: ({ urls }) => <code>{urls.ops}</code> },
            { name: t('col.seen'), of: ({ heartbeatAtMs }) => since(heartbeatAtMs, Date.now()) },
          ]}
        />
      )}
    </Card>
  )
}

const Tokens = ({ tokens }: Pick<All, 'tokens'>) => {
  const { moment, number } = format()
  if (tokens.length === 0) return <Empty title={t('cluster.noTokens')} />
  return (
    <Table
      label={t('cluster.tokens')}
      rows={tokens}
      keyOf={({ id }) => id}
      columns={[
        { name: t('col.name'), of: ({ name }) => name },
        { name: t('col.state'), of: ({ state }) => <Mark tone={state === 'valid' ? 'good' : 'plain'}>{state}</Mark> },
        { name: t('col.uses'), end: true, of: ({ used }) => number(used) },
        { name: t('col.expires'), of: ({ expiresAtMs }) => (expiresAtMs === undefined ? '–' : moment(expiresAtMs)) },
      ]}
    />
  )
}

const listed = (words: readonly string[]) => (words.length === 0 ? '–' : words.join(', '))

export function ClusterPage({ params: { cluster: name = '' } }: Place) {
  const load = useLoad(`cluster/${name}`, (signal) => read(name, signal), { everyMs: 10_000 })
  const making = useSignal(false)
  return (
    <>
      <Head above={t('nav.clusters')} title={name}>
        <a class="button" href={addressOf('nodes', {}, { cluster: name })}>
          {t('cluster.itsNodes')}
        </a>
        <a class="button" href={addressOf('swarms', {}, { cluster: name })}>
          {t('cluster.itsSwarms')}
        </a>
      </Head>
      <Seen load={load} rows={8}>
        {({ cluster, members, tokens }) => (
          <>
            <Card title={t('cluster.facts')}>
              <Facts
                facts={[
                  { name: t('col.health'), value: <HealthMark state={cluster.state} /> },
                  { name: t('col.description'), value: cluster.description || '–' },
                  { name: t('cluster.cidrs'), value: listed(cluster.scopes.cidrs) },
                  { name: t('cluster.zones'), value: listed(cluster.scopes.zones) },
                  { name: t('cluster.hosts'), value: listed(cluster.scopes.hosts) },
                ]}
              />
            </Card>
            <Members members={members} />
            <Card
              title={t('cluster.tokens')}
              tight
              more={
                may('clusters', 'write') && (
                  <button type="button" onClick={() => put(making, true)}>
                    {t('cluster.newToken')}
                  </button>
                )
              }
            >
              <Tokens tokens={tokens} />
            </Card>
          </>
        )}
      </Seen>
      {making.value && (
        <NewToken
          cluster={name}
          close={() => {
            making.value = false
            load.again()
          }}
        />
      )}
    </>
  )
}
