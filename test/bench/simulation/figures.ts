import { percentile } from '../measure.ts'
import type { Scenario } from './scenario.ts'
import type { Outcome } from './simulate.ts'

/** One run and what came of it. */
export interface Run {
  readonly scenario: Pick<Scenario, 'name' | 'agents'>
  readonly outcome: Outcome
}

/** p50, p99 and p99.9 that Kraken published for 2,600 hosts, and what is to be reached with as many; in seconds. */
export const kraken = { hosts: 2_600, published: [10, 18, 22], reach: [10.5, 12, 14] } as const
const RANKS = [100, 50, 99, 99.9] as const

export const simulationColumns = [
  ...[
    'hosts',
    'day',
    'piece, KiB',
    'copies from origins',
    'copies across zones',
    'wasted, %',
    'asked twice',
    'timeouts',
    'refused by origins',
  ],
  ...[
    'would turn to HTTP',
    'first byte p50, s',
    'average byte p50, s',
    'max, s',
    'p50, s',
    'p99, s',
    'p99.9, s',
    'must reach p50',
    'p99',
    'p99.9',
  ],
] as const

/** The rows of the runs, under `simulationColumns`. */
export function simulationRows(runs: readonly Run[]): readonly (readonly (string | number)[])[] {
  return runs.map(({ scenario: { agents, name }, outcome }) => {
    const { finishMs, firstByteMs, meanByteMs, copies, copiesAcross, pieceLength, tally } = outcome
    const received = tally.agentBytes + tally.originBytes
    return [
      ...[agents, name, pieceLength / 1024],
      ...[copies.toFixed(2), copiesAcross.toFixed(2), ((100 * tally.wastedBytes) / received).toFixed(2)],
      ...[tally.repeats, tally.timeouts, tally.denied, tally.starved],
      ...[firstByteMs, meanByteMs].map((times) => secondsOf(percentile(times, 50))),
      ...RANKS.map((rank) => secondsOf(percentile(finishMs, rank))),
      ...kraken.reach.map((bound) => (agents === kraken.hosts && name === 'calm' ? `<= ${bound}` : '')),
    ]
  })
}

function secondsOf(ms: number): string {
  return Number.isFinite(ms) ? (ms / 1000).toFixed(2) : 'never'
}
