import type { HostAnswer, SteeredState } from '../../../lib/api/index.ts'
import type { Tx } from '../database/index.ts'
import type { StoreParts } from './cluster-store.ts'
import { type HostFilter, type HostPage, hostPage } from './host-pages.ts'
import type { HostRow } from './tables.ts'

/** Rows that one statement writes: databases take a bounded number of values at once. */
const ROWS_AT_ONCE = 200

/** Hosts as their trackers told them when they were last asked. */
export interface HostStore {
  /** Rows behind `last`: cluster by cluster, in the order of their peer ids. A page may be short though more follow. */
  page(filter: HostFilter, asked: { readonly count: number; readonly last?: string | undefined }): Promise<HostPage>
  /** Rows of a cluster behind `after`, up to and with `until`; without it all that are left. */
  range(clusterId: string, range: HostRange): Promise<readonly HostRow[]>
  /** Writes rows, and removes those of the hosts that are gone; all or nothing. */
  apply(clusterId: string, change: HostChange): Promise<void>
}

export interface HostChange {
  readonly put: readonly HostRow[]
  /** Peer ids. */
  readonly gone: readonly string[]
}

export interface HostRange {
  /** Peer ids. */
  readonly after: string
  readonly until: string | undefined
}

/** What a search looks into. */
export const wordsOf = ({ host, peerId, zone }: Pick<HostRow, 'host' | 'peerId' | 'zone'>): string =>
  `${host} ${peerId} ${zone}`.toLowerCase()

async function remove(tx: Tx, clusterId: string, peerIds: readonly string[]): Promise<void> {
  for (let i = 0; i < peerIds.length; i += ROWS_AT_ONCE) {
    const some = peerIds.slice(i, i + ROWS_AT_ONCE)
    await tx.deleteFrom('hosts').where('clusterId', '=', clusterId).where('peerId', 'in', some).execute()
  }
}

export function hostStore({ database }: Pick<StoreParts, 'database'>): HostStore {
  return {
    page: (filter, asked) => hostPage(database, filter, asked),
    range(clusterId, { after, until }) {
      const own = database.read.selectFrom('hosts').selectAll().where('clusterId', '=', clusterId).orderBy('peerId')
      const rest = own.where('peerId', '>', after)
      return (until === undefined ? rest : rest.where('peerId', '<=', until)).execute()
    },
    apply: (clusterId, { put, gone }) =>
      database.keep(async (tx) => {
        await remove(tx, clusterId, [...gone, ...put.map(({ peerId }) => peerId)])
        for (let i = 0; i < put.length; i += ROWS_AT_ONCE)
          await tx
            .insertInto('hosts')
            .values(put.slice(i, i + ROWS_AT_ONCE))
            .execute()
      }),
  }
}

const settingsOf = ({ settingsState, settingsCode: code, settingsMessage: message }: HostRow) => ({
  state: settingsState as SteeredState,
  ...(code !== '' && { code }),
  ...(message !== '' && { message }),
})

/** A row as the API tells it. */
export function hostAnswer(row: HostRow, cluster: string): HostAnswer {
  return {
    ...{ cluster, peerId: row.peerId, host: row.host, port: row.port, role: row.role },
    ...(row.zone !== '' && { zone: row.zone }),
    ...(row.version !== '' && { version: row.version }),
    ...(row.generation !== null && { generation: row.generation }),
    state: row.state as HostAnswer['state'],
    ...(row.why !== '' && { why: row.why }),
    ...{ seenAtMs: row.seenAtMs, downloads: row.downloads, seeds: row.seeds },
    ...{ bytesInPerSecond: row.bytesIn, bytesOutPerSecond: row.bytesOut },
    behind: row.behind === 1,
    ...(row.settingsState !== '' && { settings: settingsOf(row) }),
  }
}
