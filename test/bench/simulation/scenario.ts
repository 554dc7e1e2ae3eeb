import { pieceLengthFor } from '../../../lib/core/index.ts'
import { type SwarmLimits, swarmLimits } from '../../../lib/swarm/index.ts'
import type { PolicyName } from '../../../services/tracker/policy/policies.ts'

/** What a node may send and receive; in bytes per second. */
export interface Rates {
  readonly up: number
  readonly down: number
}

/** Some of the agents, chosen at random. */
export interface Some {
  /** Of all agents. */
  readonly share: number
  /** At a random moment within this time after the start. */
  readonly withinMs: number
}

export interface Scenario {
  readonly name: string
  /** All chance comes from it: the same seed gives the same run. */
  readonly seed: number
  readonly agents: number
  readonly origins: number
  /** Lengths of the blobs that each agent pulls at once. */
  readonly layers: readonly number[]
  readonly agentRates: Rates
  readonly originRates: Rates
  /** The agents begin within this time. */
  readonly startWithinMs: number
  /** One way, within a zone and between two zones; hosts are spread over the zones in turn. */
  readonly latencyMs: number
  readonly farLatencyMs: number
  readonly zones: number
  /** Origins are only in so many of them. */
  readonly originZones: number
  /** What passes between two zones, in each direction; Infinity for no limit. */
  readonly farBytesPerSecond: number
  /** By which the tracker orders peers. */
  readonly policy: PolicyName
  /** Agents whose rates are only this part of the others'. */
  readonly slow: { readonly share: number; readonly rate: number }
  /** Agents that begin later. */
  readonly late: Some
  /** Agents that vanish for good. */
  readonly lost: Some
  /** What a node hashes and stores, one piece after the other. */
  readonly verifyBytesPerSecond: number
  /** How fast the client of an agent takes the bytes of each layer. */
  readonly readBytesPerSecond: number
  readonly limits: SwarmLimits
  /** Length of the pieces; undefined means as for a real blob. Longer ones make large runs affordable (see `coarse`). */
  readonly pieceLength: number | undefined
}

const nobody: Some = { share: 0, withinMs: 0 }
const MB = 1e6

/** Where nothing goes wrong, and nothing is far or slow. */
export const calm = {
  name: 'calm',
  seed: 1,
  startWithinMs: 100,
  latencyMs: 0.25,
  farLatencyMs: 0.25,
  zones: 1,
  originZones: Number.POSITIVE_INFINITY,
  farBytesPerSecond: Number.POSITIVE_INFINITY,
  policy: 'adaptive',
  slow: { share: 0, rate: 1 },
  late: nobody,
  lost: nobody,
  verifyBytesPerSecond: 1_000 * MB,
  readBytesPerSecond: Number.POSITIVE_INFINITY,
  limits: swarmLimits,
  pieceLength: undefined,
} as const satisfies Partial<Scenario>

/**
 * The same with pieces, and memory for them, of so many times the real size: a torrent has as many pieces under way as in
 * truth, and each takes longer. That is the slower swarm, and costs so many times less to simulate.
 */
export function coarse(scenario: Scenario, times: number): Scenario {
  const [longest = 0] = scenario.layers.toSorted((a, b) => b - a)
  const { pieceBufferBytes, warmPieceBytes } = scenario.limits
  return {
    ...scenario,
    pieceLength: pieceLengthFor(longest) * times,
    limits: {
      ...scenario.limits,
      pieceBufferBytes: pieceBufferBytes * times,
      warmPieceBytes: warmPieceBytes * times,
    },
  }
}

/** What Kraken published: an image of 3 GB in 2 layers, 5 origins, and each node sends and receives 300 MB/s at most. */
export function krakenScenario(agents: number, more: Partial<Scenario> = {}): Scenario {
  const rates = { up: 300 * MB, down: 300 * MB }
  const layers = [1_500 * MB, 1_500 * MB]
  return { ...calm, name: 'calm', agents, origins: 5, layers, agentRates: rates, originRates: rates, ...more }
}

/** The same on a bad day: three zones, slow hosts, late ones, and some that die. */
export function roughScenario(agents: number, more: Partial<Scenario> = {}): Scenario {
  return krakenScenario(agents, {
    name: 'rough',
    zones: 3,
    farLatencyMs: 2,
    slow: { share: 0.02, rate: 0.25 },
    late: { share: 0.1, withinMs: 10_000 },
    lost: { share: 0.02, withinMs: 10_000 },
    ...more,
  })
}

/** The same in two zones with a link of 1 Gbit/s between them, and origins in one of them only. */
export function zonesScenario(agents: number, more: Partial<Scenario> = {}): Scenario {
  return krakenScenario(agents, {
    ...{ name: 'zones', zones: 2, originZones: 1, farLatencyMs: 2, farBytesPerSecond: 125 * MB },
    ...more,
  })
}
