import { median, percentile } from './measure.ts'

/** What one pull by all agents at once took; sizes in bytes. */
export interface SwarmPull {
  /** The slowest client of the same bytes at nginx, mean of a run before and one after the pull. */
  readonly nginxMs: number
  readonly firstByteMs: readonly number[]
  /** When each client had its last byte. */
  readonly finishMs: readonly number[]
  /** Sum of the blobs, which each agent pulled. */
  readonly bytes: number
  readonly cpuSeconds: { readonly agents: number; readonly origins: number; readonly trackers: number }
  /** Payload that origins gave to agents. */
  readonly fromOrigins: { readonly wire: number; readonly http: number }
  /** Payload that came to agents, from peers and from origins. */
  readonly received: number
  /** Received bytes that were of no use, by why; undefined when the agents do not count them. */
  readonly wasted: Readonly<Record<string, number>> | undefined
  /** Largest agent; both after the pull, the peak since the start. */
  readonly peakRssMiB: number
  readonly rssMiB: number
}

type Pick = (pull: SwarmPull) => number

interface Figure {
  readonly name: string
  readonly pick: Pick
  readonly digits?: number
  /** Bounds for the first pull and for the later ones. */
  readonly bounds?: readonly [first: string, later: string]
  /** It only grows: the later column shows it after the last pull, not the median. */
  readonly last?: boolean
}

const GIB = 1024 ** 3
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
const total: Pick = ({ finishMs }) => Math.max(...finishMs)
const finish =
  (rank: number): Pick =>
  ({ finishMs }) =>
    percentile(finishMs, rank)
const perGib =
  (seconds: (cpu: SwarmPull['cpuSeconds']) => number): Pick =>
  ({ cpuSeconds, bytes, finishMs }) =>
    seconds(cpuSeconds) / ((bytes * finishMs.length) / GIB)
const wastedShare =
  (bytes: (wasted: Readonly<Record<string, number>>) => number): Pick =>
  ({ wasted = {}, received }) =>
    (100 * bytes(wasted)) / received

const figures: readonly Figure[] = [
  { name: 'nginx total, s', pick: ({ nginxMs }) => nginxMs / 1000 },
  { name: 'shoal total, s', pick: (pull) => total(pull) / 1000 },
  { name: 'shoal / nginx', pick: (pull) => total(pull) / pull.nginxMs, digits: 1, bounds: ['<= 12', '<= 8'] },
  { name: 'first byte p50, ms', pick: ({ firstByteMs }) => median(firstByteMs), digits: 0 },
  { name: 'finish p50, s', pick: (pull) => finish(50)(pull) / 1000 },
  { name: 'finish p99, s', pick: (pull) => finish(99)(pull) / 1000 },
  { name: 'finish p99 / p50', pick: (pull) => finish(99)(pull) / finish(50)(pull) },
  {
    name: 'CPU-s per GiB delivered',
    pick: perGib(({ agents, origins, trackers }) => agents + origins + trackers),
    bounds: ['', '<= 5.2'],
  },
  { name: 'of agents', pick: perGib(({ agents }) => agents) },
  { name: 'of the origin', pick: perGib(({ origins }) => origins) },
  { name: 'of the tracker', pick: perGib(({ trackers }) => trackers) },
  {
    name: 'copies that left the origin',
    pick: ({ fromOrigins: { wire, http }, bytes }) => (wire + http) / bytes,
    bounds: ['<= 1.5', '<= 1.5'],
  },
  { name: 'by wire', pick: ({ fromOrigins: { wire }, bytes }) => wire / bytes },
  { name: 'over HTTP', pick: ({ fromOrigins: { http }, bytes }) => http / bytes },
  { name: 'received / delivered', pick: ({ received, bytes, finishMs }) => received / (bytes * finishMs.length) },
]

const memory: readonly Figure[] = [
  { name: 'largest agent, peak RSS so far, MiB', pick: ({ peakRssMiB }) => peakRssMiB, digits: 0, last: true },
  { name: 'largest agent, RSS afterwards, MiB', pick: ({ rssMiB }) => rssMiB, digits: 0, last: true },
]

function waste(pulls: readonly SwarmPull[]): readonly Figure[] {
  const reasons = new Set(pulls.flatMap(({ wasted = {} }) => Object.keys(wasted)))
  return [
    { name: 'wasted, % of received', pick: wastedShare((by) => sum(Object.values(by))), bounds: ['< 3', '< 3'] },
    ...[...reasons].toSorted().map((why) => ({ name: `${why}, %`, pick: wastedShare((by) => by[why] ?? 0) })),
  ]
}

function rowOf({ name, pick, digits = 2, bounds = ['', ''], last = false }: Figure, pulls: readonly SwarmPull[]) {
  const values = pulls.map(pick)
  const cell = (value: number | undefined) => (value === undefined || Number.isNaN(value) ? '' : value.toFixed(digits))
  return [name, cell(values[0]), cell(last ? values.at(-1) : median(values.slice(2))), ...bounds] as const
}

export const swarmColumns = ['figure', 'first pull', 'third and later, median', 'must reach: first', 'later'] as const

/** The rows of a series of pulls, under `swarmColumns`. Without a third pull its column is empty. */
export function swarmRows(pulls: readonly SwarmPull[]): readonly (readonly string[])[] {
  const counted = pulls.some(({ wasted }) => wasted !== undefined)
  return [
    ...figures.map((figure) => rowOf(figure, pulls)),
    ...(counted
      ? waste(pulls).map((figure) => rowOf(figure, pulls))
      : [['wasted, % of received', 'not counted', '', '', '']]),
    ...memory.map((figure) => rowOf(figure, pulls)),
  ]
}
