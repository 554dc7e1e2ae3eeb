import { createHash } from 'node:crypto'
import { seededRandom, systemClock, systemRandom } from '../../lib/base/index.ts'
import { clusterStore } from '../../services/manager/clusters/cluster-store.ts'
import { hostStore, wordsOf } from '../../services/manager/clusters/host-store.ts'
import type { HostRow } from '../../services/manager/clusters/tables.ts'
import { type AuditTable, type ManagerDatabase, newId } from '../../services/manager/database/index.ts'

const CLUSTERS = 4
const ZONES = 20
/** One of so many hosts is banned, and one is drained; none of them in the zone `calm`. */
const BANNED_OF = 5_000
const DRAINED_OF = 97
/** One of so many has refused its settings. */
const REFUSED_OF = 499
const HOSTS_AT_ONCE = 2_000
const AUDIT_AT_ONCE = 1_000
const USERS = 200
const PLACES = 1_000

export const hexOf = (at: number) => createHash('sha1').update(String(at)).digest('hex')
export const addressOf = (at: number) => `10.${Math.floor(at / 65_536)}.${Math.floor(at / 256) % 256}.${at % 256}`

export const zoneOf = (at: number): string => (at % ZONES === 0 ? 'calm' : `cn-north-${at % ZONES}`)

function stateOf(at: number): Pick<HostRow, 'state' | 'why'> {
  if (at % ZONES === 0) return { state: 'ok', why: '' }
  if (at % BANNED_OF === 1) return { state: 'banned', why: 'it sends wrong bytes' }
  return at % DRAINED_OF === 1 ? { state: 'draining', why: 'it is replaced' } : { state: 'ok', why: '' }
}

const settingsOf = (at: number) =>
  at % ZONES !== 0 && at % REFUSED_OF === 1
    ? { generation: 4, behind: 1, settingsState: 'failed', settingsCode: 'SETTING_INVALID', settingsMessage: '' }
    : { generation: 5, behind: 0, settingsState: 'applied', settingsCode: '', settingsMessage: '' }

function hostRow(clusterId: string, at: number): HostRow {
  const row = {
    ...{ clusterId, peerId: hexOf(at), host: addressOf(at), port: 16_001, role: at % 1_000 === 7 ? 'origin' : 'agent' },
    ...{ zone: zoneOf(at), version: '1.0.0', ...stateOf(at), seenAtMs: Date.now() },
    ...{ downloads: at % 3, seeds: at % 50, bytesIn: at, bytesOut: at },
    ...settingsOf(at),
  }
  return { ...row, words: wordsOf(row) }
}

/** Writes so many hosts of some clusters. Returns the names of the clusters. */
export async function fillHosts(database: ManagerDatabase, count: number): Promise<readonly string[]> {
  const clusters = clusterStore({ clock: systemClock(), random: systemRandom(), database })
  const hosts = hostStore({ database })
  const names = Array.from({ length: CLUSTERS }, (_, at) => `cluster-${at}`)
  const share = Math.ceil(count / CLUSTERS)
  for (const [at, name] of names.entries()) {
    const { id } = await clusters.create('bench', { name })
    const own = Math.min(share, count - at * share)
    for (let done = 0; done < own; done += HOSTS_AT_ONCE) {
      const length = Math.min(HOSTS_AT_ONCE, own - done)
      const put = Array.from({ length }, (_, i) => hostRow(id, at * share + done + i))
      await hosts.apply(id, { put, gone: [] })
    }
  }
  return names
}

/** Two of five rows are of `user:root`, and two of five say `settings.set`; none is both. */
function deedOf(at: number): Pick<AuditTable, 'actor' | 'action' | 'target'> {
  const user = `user:u-${at % USERS}`
  if (at % 5 < 2)
    return { actor: 'user:root', action: at % 2 === 0 ? 'host.drain' : 'host.undrain', target: hexOf(at % 50_000) }
  if (at % 5 < 4)
    return { actor: user, action: 'settings.set', target: at % 3 === 0 ? 'agent all' : `agent zone/${zoneOf(at)}` }
  return { actor: user, action: 'job.create', target: `job-${at}` }
}

/** Writes so many rows of the audit, one for each second before now. Returns the times of the first and the last. */
export async function fillAudit(
  database: ManagerDatabase,
  count: number,
): Promise<{ fromMs: number; untilMs: number }> {
  const random = seededRandom(7)
  const untilMs = Date.now()
  const fromMs = untilMs - count * 1_000
  for (let done = 0; done < count; done += AUDIT_AT_ONCE) {
    const rows = Array.from({ length: Math.min(AUDIT_AT_ONCE, count - done) }, (_, i): AuditTable => {
      const atMs = fromMs + (done + i) * 1_000
      const detail = JSON.stringify({ reason: 'a row of a bench' })
      return {
        id: newId({ clock: { now: () => atMs }, random }),
        atMs,
        ...deedOf(done + i),
        detail,
        outcome: null,
        code: null,
      }
    })
    await database.keep((tx) => tx.insertInto('audit').values(rows).execute())
  }
  return { fromMs, untilMs }
}

/** Rows from here and there, behind which pages begin. */
export async function placesIn(
  database: ManagerDatabase,
): Promise<{ readonly auditIds: readonly string[]; readonly hostPlaces: readonly string[] }> {
  const { read } = database
  const ids = await read.selectFrom('audit').select('id').where('id', 'like', '%77').limit(PLACES).execute()
  const places = await read
    .selectFrom('hosts')
    .select(['clusterId', 'peerId'])
    .where('peerId', 'like', '%77')
    .limit(PLACES)
    .execute()
  return {
    auditIds: ids.map(({ id }) => id),
    hostPlaces: places.map(({ clusterId, peerId }) => `${clusterId}/${peerId}`),
  }
}
