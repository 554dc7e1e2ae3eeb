import { t } from '../i18n/index.ts'
import { PeerLink } from '../parts/names.tsx'
import { RunMark } from '../parts/steer.tsx'
import { Pager, Table } from '../parts/table.tsx'
import { Card, Empty, Seen } from '../parts/ui.tsx'
import { addressOf } from '../pure/paths.ts'
import { get } from '../state/api.ts'
import { ask, format } from '../state/here.ts'
import { useLoad } from '../state/load.ts'
import { type SlotName, slotPath } from '../state/settings.ts'
import type { BehindPage } from '../state/steer.ts'

type Row = BehindPage['hosts'][number]

const HostLink = ({ cluster, host, peerId, address }: Row) =>
  peerId === undefined ? (
    <a href={addressOf('nodes', {}, { cluster, text: address ?? host })}>{host}</a>
  ) : (
    <PeerLink cluster={cluster} peerId={peerId}>
      {host}
    </PeerLink>
  )

const Hosts = ({ hosts }: BehindPage) => {
  const { since } = format()
  return (
    <Table
      label={t('setting.hosts')}
      rows={hosts}
      keyOf={({ cluster, host }) => `${cluster}/${host}`}
      columns={[
        { name: t('col.node'), of: (row) => <HostLink {...row} /> },
        { name: t('col.address'), of: ({ address }) => <code>{address ?? '–'}</code> },
        { name: t('col.cluster'), of: ({ cluster }) => cluster },
        { name: t('col.zone'), of: ({ zone }) => zone ?? '–' },
        { name: t('col.state'), of: (row) => <RunMark {...row} /> },
        { name: t('col.generation'), end: true, of: ({ generation }) => generation },
        {
          name: t('col.why'),
          of: ({ code, message }) => (
            <>
              {code !== undefined && <code>{code}</code>} {message}
            </>
          ),
        },
        { name: t('col.seen'), of: ({ seenAtMs }) => since(seenAtMs, Date.now()) },
      ]}
    />
  )
}

/** Hosts that do not have the settings of a scope, and why. */
export function SettingHosts({ last, ...name }: SlotName & { readonly last: string | undefined }) {
  const load = useLoad(
    `${slotPath(name)}/behind/${last ?? ''}`,
    (signal) => get<BehindPage>(`${slotPath(name)}/behind`, { n: 100, last }, signal),
    { everyMs: 5000 },
  )
  return (
    <Card title={t('setting.hosts')} tight>
      <Seen load={load}>
        {(page) => (
          <>
            {page.hosts.length === 0 ? (
              <Empty title={t('setting.noHostsTitle')}>{t('setting.noHosts')}</Empty>
            ) : (
              <Hosts {...page} />
            )}
            <Pager last={last} next={page.next} go={(to) => ask({ last: to })} />
          </>
        )}
      </Seen>
    </Card>
  )
}
