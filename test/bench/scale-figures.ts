import { percentile } from './measure.ts'

const GIB = 1024 ** 3

/** The rates of a bench with many agents, in bytes per second. */
export interface Rates {
  /** Up and down, of each agent. */
  readonly agent: number
  /** Up, of the origin. */
  readonly origin: number
}

export interface RateCaps {
  /** Over all agents. */
  readonly total: number
  readonly perAgent: number
  /** How many agents the origin could feed. */
  readonly originShares: number
}

/** All agents together stay within a rate that the machine can bear. */
export function ratesFor(agents: number, { total, perAgent, originShares }: RateCaps): Rates {
  const agent = Math.floor(Math.min(perAgent, total / agents))
  return { agent, origin: Math.floor(agent * originShares) }
}

/** One pull by all agents at once; sizes in bytes, of all layers together. */
export interface ScalePull {
  readonly agents: number
  readonly layers: number
  readonly bytes: number
  readonly rates: Rates
  readonly firstByteMs: readonly number[]
  readonly finishMs: readonly number[]
  /** The slowest of as many clients of a server with the origin's rate; undefined where it was not measured. */
  readonly serverMs: number | undefined
  readonly fromOrigin: { readonly wire: number; readonly http: number }
  readonly received: number
  /** Received bytes that were of no use. */
  readonly wasted: number
  readonly cpuSeconds: { readonly agents: number; readonly others: number }
}

/** Milliseconds that no arrangement can beat: each agent takes the bytes at its rate, and the origin gives each once. */
export const idealMs = ({ bytes, rates }: Pick<ScalePull, 'bytes' | 'rates'>) =>
  (1000 * bytes) / Math.min(rates.agent, rates.origin)

/** Milliseconds for the last client of a server that sends each of them all bytes at the origin's rate. */
export const serverIdealMs = ({ agents, bytes, rates }: Pick<ScalePull, 'agents' | 'bytes' | 'rates'>) =>
  Math.max((1000 * bytes * agents) / rates.origin, (1000 * bytes) / rates.agent)

export const scaleColumns = ['agents', 'layers', 'figure', 'value', 'must reach'] as const

/** From this number of agents on, the origin may give more copies. */
const MANY = 100

/** A pull that some agents had not finished after that time. */
export interface GivenUp {
  readonly agents: number
  readonly layers: number
  readonly afterMs: number
}

const SPREAD = '<= 1.2'

/** The row of a pull that was given up: without an end it has no figures. */
export function givenUpRows({ agents, layers, afterMs }: GivenUp): readonly (readonly (string | number)[])[] {
  return [[agents, layers, 'finish p99 / p50', `not all after ${afterMs / 1000} s`, SPREAD]]
}

/** The rows of one pull, under `scaleColumns`. */
export function scaleRows(pull: ScalePull): readonly (readonly (string | number)[])[] {
  const { agents, layers, bytes, rates, firstByteMs, finishMs, serverMs, fromOrigin } = pull
  const finish = (rank: number) => percentile(finishMs, rank) / 1000
  const seconds = (ms: number) => (ms / 1000).toFixed(2)
  const gib = (bytes * agents) / GIB
  const { wire, http } = fromOrigin
  const copies = agents <= MANY ? '<= 1.5' : '<= 2.5'
  const rows: readonly (readonly [string, string, string?])[] = [
    ['rate of each agent, up and down, MB/s', (rates.agent / 1e6).toFixed(2)],
    ['the shortest possible, s', seconds(idealMs(pull))],
    ["one server with the origin's rate, no swarm, computed, s", seconds(serverIdealMs(pull))],
    ...(serverMs === undefined ? [] : [['the same, nginx, s', seconds(serverMs)] as const]),
    ['first byte p50, s', seconds(percentile(firstByteMs, 50))],
    ['finish p50, s', finish(50).toFixed(2)],
    ['finish p99, s', finish(99).toFixed(2)],
    ['finish, the last, s', finish(100).toFixed(2)],
    ['finish p99 / p50', (finish(99) / finish(50)).toFixed(2), SPREAD],
    ['finish p50 / the shortest possible', ((1000 * finish(50)) / idealMs(pull)).toFixed(2)],
    ['copies that left the origin', ((wire + http) / bytes).toFixed(2), copies],
    ['by wire', (wire / bytes).toFixed(2)],
    ['over HTTP', (http / bytes).toFixed(2)],
    ['wasted, % of received', ((100 * pull.wasted) / pull.received).toFixed(2), '< 3'],
    ['CPU-s per GiB delivered, agents', (pull.cpuSeconds.agents / gib).toFixed(2)],
    ['CPU-s per GiB delivered, the other services', (pull.cpuSeconds.others / gib).toFixed(2)],
  ]
  return rows.map(([figure, value, bound = '']) => [agents, layers, figure, value, bound])
}
