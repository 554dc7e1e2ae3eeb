import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock, systemRandom } from '../../lib/base/index.ts'
import { type HttpClient, httpClient } from '../../lib/http/index.ts'
import { silentLogger, silentMetrics } from '../../lib/telemetry/index.ts'
import { databaseSchema, managerDatabase } from '../../services/manager/database/index.ts'
import { postgresPrograms, postgresServer } from '../kit/postgres.ts'
import { startTopology } from '../kit/topology.ts'
import { delaysIn } from './loop-figures.ts'
import { type Filled, type ListCase, listCases } from './manager-list-cases.ts'
import { fillAudit, fillHosts, placesIn } from './manager-rows.ts'
import { median, percentile, publish, useOf } from './measure.ts'
import { sizeOptions } from './options.ts'

const MAX_BYTES = 8 * 1024 * 1024
const WARM_UP = 3

interface Size {
  readonly hosts: number
  readonly audit: number
  readonly requests: number
}

interface Measured {
  readonly what: string
  readonly p50Ms: number
  readonly p99Ms: number
  /** The longest that the manager's event loop was held up. */
  readonly blockedMs: number
  /** Rows of the last answer. */
  readonly rows: number
}

interface Lab {
  readonly http: HttpClient
  readonly adminUrl: string
  readonly opsUrl: string
}

const rowsIn = (answer: unknown) =>
  Object.values(answer as object).reduce<number>(
    (most, each) => (Array.isArray(each) ? Math.max(most, each.length) : most),
    0,
  )

async function measure({ http, adminUrl, opsUrl }: Lab, { what, path }: ListCase, requests: number): Promise<Measured> {
  const delays = async () =>
    delaysIn(
      Buffer.from(await (await http.request({ method: 'GET', url: `${opsUrl}/metrics` })).bytes(MAX_BYTES)).toString(),
    )
  const ask = async (at: number) => {
    const response = await http.request({ method: 'GET', url: adminUrl + path(at) })
    if (response.status !== 200) throw new Error(`${path(at)}: ${response.status}`)
    return response.json(MAX_BYTES)
  }
  for (let at = 0; at < WARM_UP; at += 1) await ask(at)
  await delays()
  const times: number[] = []
  let rows = 0
  for (let at = 0; at < requests; at += 1) {
    const startedMs = performance.now()
    const answer = await ask(at)
    times.push(performance.now() - startedMs)
    rows = rowsIn(answer)
  }
  const { max: blockedMs } = await delays()
  return { what, p50Ms: median(times), p99Ms: percentile(times, 99), blockedMs, rows }
}

/** Where a manager keeps what it knows: its config, and what only its environment tells. */
interface Store {
  readonly driver: 'libsql' | 'postgres'
  readonly database: object
  readonly password?: string
  sizeBytes(folder: string): Promise<number>
}

async function fill(
  folder: string,
  { database: keys, password }: Pick<Store, 'database' | 'password'>,
  size: Size,
): Promise<Filled> {
  const parts = { clock: systemClock(), random: systemRandom(), logger: silentLogger(), metrics: silentMetrics() }
  const config = databaseSchema.parse({ ...keys, ...(password !== undefined && { password }) })
  const database = managerDatabase(parts, { folder, database: config })
  await database.start()
  try {
    const clusters = await fillHosts(database, size.hosts)
    const times = await fillAudit(database, size.audit)
    return { ...size, clusters, ...times, ...(await placesIn(database)) }
  } finally {
    await database.stop()
  }
}

/** Fills the database of a manager, starts it in a process of its own, and asks it for its lists. */
async function measured(store: Store, size: Size) {
  const later = ['manager-1', 'tracker-1', 'agent-1', 'origin-1', 'build-index-1', 'build-index-2', 'proxy-1']
  await using shoal = await startTopology({
    ...{ agents: 1, origins: 1, trackers: 1, managers: 1, later },
    more: (kind) => (kind === 'manager' ? { database: store.database } : {}),
    ...(store.password !== undefined && {
      env: { SHOAL__database__driver: store.driver, SHOAL__database__password: store.password },
    }),
  })
  const startedMs = performance.now()
  const folder = String(shoal.plan.manager[0]?.config['folder'])
  const filled = await fill(folder, store, size)
  const fillSeconds = (performance.now() - startedMs) / 1000
  const sizeMiB = (await store.sizeBytes(folder)) / 1024 / 1024
  await shoal.start('manager-1')
  const http = httpClient({ clock: systemClock() })
  const lab = { http, adminUrl: shoal.url('manager-1', 'admin'), opsUrl: shoal.url('manager-1', 'ops') }
  try {
    const found: Measured[] = []
    for (const each of listCases(filled)) found.push(await measure(lab, each, size.requests))
    return { driver: store.driver, found, fillSeconds, sizeMiB, use: await useOf(shoal.pid('manager-1')) }
  } finally {
    await http.stop()
  }
}

async function onPostgres(size: Size) {
  await using server = await postgresServer()
  const { host, port, user, password } = server
  const name = await server.newDatabase()
  return await measured(
    {
      ...{ driver: 'postgres', database: { driver: 'postgres', host, port, user, name, encrypt: 'off' }, password },
      sizeBytes: async () => Number(await server.sql(name, 'select pg_database_size(current_database())')),
    },
    size,
  )
}

const embedded: Store = {
  ...{ driver: 'libsql', database: {} },
  sizeBytes: async (folder) => (await stat(join(folder, 'manager.db'))).size,
}

/** Options: `--hosts 100000 --audit 1000000 --requests 200`, the requests for each list. */
export async function managerLists(args: readonly string[]): Promise<void> {
  const size = sizeOptions(args, { hosts: 100_000, audit: 1_000_000, requests: 200 })
  const runs = [await measured(embedded, size)]
  if (postgresPrograms() !== undefined) runs.push(await onPostgres(size))
  await publish({
    name: 'manager-lists',
    conditions: [
      `a manager in a process of its own with ${size.hosts} hosts of 4 clusters and ${size.audit} rows of audit in its database`,
      `${size.requests} requests for pages of 100 over loopback for each row, one after the other; times to the last byte`,
      'held up: the longest delay of the event loop of the manager in that time',
      "PostgreSQL: Debian's server with 16 MB of shared buffers, where it is installed",
    ],
    columns: ['database', 'list', 'rows', 'p50 ms', 'held up ms', 'p99 ms', 'must reach', 'must reach p99'],
    rows: runs.flatMap(({ driver, found }) =>
      found.map(({ what, rows, blockedMs, p50Ms, p99Ms }) => [
        ...[driver, what, rows, p50Ms.toFixed(1), blockedMs.toFixed(1), p99Ms.toFixed(1), '<= 50', '<= 200'],
      ]),
    ),
    raw: { runs },
  })
  for (const { driver, fillSeconds, sizeMiB, use } of runs)
    process.stdout.write(
      `${driver}: filled in ${fillSeconds.toFixed(0)} s, ${sizeMiB.toFixed(0)} MiB; CPU ${use.cpuSeconds.toFixed(1)} s, largest memory ${use.peakRssMiB.toFixed(0)} MiB\n`,
    )
}
