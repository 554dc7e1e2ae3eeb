import { randomFillSync } from 'node:crypto'
import { digestOf } from '../../lib/core/index.ts'
import { clusterOf } from '../kit/cluster.ts'
import { type ObjectServer, objectServer } from '../kit/object-server.ts'
import { pullSame } from '../kit/pull-same.ts'
import { startTopology, type Topology } from '../kit/topology.ts'
import { publish, useOf } from './measure.ts'

const SIZE_BYTES = 200_000_000
const CLIENTS = 200
const ids = ['origin-1', 'origin-2', 'origin-3']

interface Figures {
  readonly directSeconds: number
  readonly firstSeconds: number
  readonly copiesSeconds: number
  readonly totalSeconds: number
  readonly backendBytes: number
  readonly backendRequests: number
  readonly peakRssMiB: readonly number[]
  readonly cpuSeconds: readonly number[]
}

const startOrigins = (backend: ObjectServer): Promise<Topology & AsyncDisposable> => {
  const rule = { repository: '*', backend: { driver: 'http', url: `${backend.url}/{key}` } }
  return startTopology({
    ...{ agents: 0, origins: 3, trackers: 1 },
    later: ['tracker-1', 'build-index-1', 'build-index-2', 'proxy-1'],
    overrides: [`origin.backends=${JSON.stringify([rule])}`],
  })
}

async function seconds(work: Promise<unknown>): Promise<number> {
  const startedMs = performance.now()
  await work
  return (performance.now() - startedMs) / 1000
}

/** Seconds until an origin has the whole blob and has verified it. */
async function untilVerified(url: string): Promise<void> {
  for (;;) {
    const { verified } = (await (await fetch(`${url}/holding`)).json()) as { readonly verified: boolean }
    if (verified) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

async function measure(content: Buffer): Promise<Figures> {
  await using backend = await objectServer(content)
  const directSeconds = await seconds(pullSame(`${backend.url}/direct`, content))
  const before = { bytes: backend.counts.total, reads: backend.reads }
  await using shoal = await startOrigins(backend)
  const digest = digestOf(content)
  const urlOf = (id: string) => `${shoal.url(id)}/namespace/bench/blobs/${digest}`
  const pulls = Promise.all(
    Array.from({ length: CLIENTS }, (_, i) => pullSame(urlOf(ids[i % ids.length] ?? ''), content)),
  )
  const [first = ''] = clusterOf(ids.map((id) => ({ id, url: '' })))
    .owners(digest)
    .map(({ id }) => id)
  const [totalSeconds, firstSeconds, copiesSeconds] = await Promise.all([
    seconds(pulls),
    seconds(untilVerified(urlOf(first))),
    seconds(Promise.all(ids.map((id) => untilVerified(urlOf(id))))),
  ])
  const uses = await Promise.all(ids.map((id) => useOf(shoal.pid(id))))
  return {
    ...{ directSeconds, firstSeconds, copiesSeconds, totalSeconds },
    backendBytes: backend.counts.total - before.bytes,
    backendRequests: backend.reads - before.reads,
    peakRssMiB: uses.map(({ peakRssMiB }) => peakRssMiB),
    cpuSeconds: uses.map(({ cpuSeconds }) => cpuSeconds),
  }
}

/** Many clients ask all origins at once for a blob that none of them has; compared with one read of the backend. */
export async function ingest(sizeBytes: number = SIZE_BYTES): Promise<void> {
  const content = Buffer.allocUnsafe(sizeBytes)
  randomFillSync(content)
  const figures = await measure(content)
  const rows: readonly (readonly [string, string, string])[] = [
    ['bytes read from the backend / size of the blob', (figures.backendBytes / sizeBytes).toFixed(4), '1.0000'],
    ['reads of the backend', String(figures.backendRequests), '1'],
    ['one read of the backend by one client, s', figures.directSeconds.toFixed(2), ''],
    ['first owner has it verified, s', figures.firstSeconds.toFixed(2), ''],
    ['all three origins have it verified, s', figures.copiesSeconds.toFixed(2), ''],
    ['all 200 clients have it, s', figures.totalSeconds.toFixed(2), ''],
    ['largest peak RSS of an origin, MiB', Math.max(...figures.peakRssMiB).toFixed(0), ''],
    ['CPU-s of all origins', figures.cpuSeconds.reduce((a, b) => a + b, 0).toFixed(1), ''],
  ]
  await publish({
    name: 'ingest',
    conditions: [
      `one cold blob of ${sizeBytes} random bytes on a web server (driver http), three origins, two replicas, own processes`,
      `${CLIENTS} clients at once over loopback, a third of them at each origin, in one process with the backend; they compare every byte`,
      `times from the first request on; everything in ${process.env['TMPDIR'] ?? '/tmp'}`,
    ],
    columns: ['figure', 'value', 'must reach'],
    rows,
  })
}
