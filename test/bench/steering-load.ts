import type { HttpClient } from '../../lib/http/index.ts'
import type { Topology } from '../kit/topology.ts'
import { useOf } from './measure.ts'

const MAX_METRICS_BYTES = 8 * 1024 * 1024

/** What services have done since their start, all of them together. */
export interface Load {
  readonly atMs: number
  /** Processor time of each. */
  readonly cpuSeconds: readonly number[]
  readonly peakRssMiB: readonly number[]
  /** Requests that were answered, by listener, method and route. */
  readonly requests: ReadonlyMap<string, number>
}

const labelIn = (line: string, name: string) => new RegExp(`[{,]${name}="([^"]*)"`).exec(line)?.[1] ?? ''

function countRequests(text: string, into: Map<string, number>): void {
  for (const line of text.split('\n')) {
    if (!line.startsWith('shoal_http_requests_total{') || labelIn(line, 'listener') === 'ops') continue
    const key = ['listener', 'method', 'route'].map((name) => labelIn(line, name)).join(' ')
    into.set(key, (into.get(key) ?? 0) + Number(line.slice(line.lastIndexOf(' ') + 1)))
  }
}

export async function loadOf(shoal: Topology, http: HttpClient, ids: readonly string[]): Promise<Load> {
  const requests = new Map<string, number>()
  for (const id of ids) {
    const answer = await http.request({ method: 'GET', url: `${shoal.url(id, 'ops')}/metrics` })
    countRequests(Buffer.from(await answer.bytes(MAX_METRICS_BYTES)).toString(), requests)
  }
  const uses = await Promise.all(ids.map((id) => useOf(shoal.pid(id))))
  return {
    atMs: Date.now(),
    cpuSeconds: uses.map(({ cpuSeconds }) => cpuSeconds),
    peakRssMiB: uses.map(({ peakRssMiB }) => peakRssMiB),
    requests,
  }
}

/** What came between two looks. */
export interface Grown {
  readonly seconds: number
  readonly cpuSeconds: readonly number[]
  readonly requests: number
  /** Those of each route that had any, the most first. */
  readonly routes: readonly (readonly [string, number])[]
}

export function grown(before: Load, after: Load): Grown {
  const routes = [...after.requests]
    .map(([route, count]) => [route, count - (before.requests.get(route) ?? 0)] as const)
    .filter(([, count]) => count > 0)
    .toSorted(([, a], [, b]) => b - a)
  return {
    seconds: (after.atMs - before.atMs) / 1000,
    cpuSeconds: after.cpuSeconds.map((each, at) => each - (before.cpuSeconds[at] ?? 0)),
    requests: routes.reduce((sum, [, count]) => sum + count, 0),
    routes,
  }
}
