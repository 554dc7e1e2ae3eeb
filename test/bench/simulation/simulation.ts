import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { publish } from '../measure.ts'
import { kraken, type Run, simulationColumns, simulationRows } from './figures.ts'
import { distributionPlot } from './plot.ts'
import { krakenScenario, roughScenario, type Scenario } from './scenario.ts'
import { simulate } from './simulate.ts'

const MIB = 1024 * 1024
/** Longer pieces for larger swarms, which would otherwise take hours; the smallest one shows what that changes. */
const sizes: readonly { readonly hosts: number; readonly pieceLengths: readonly (number | undefined)[] }[] = [
  { hosts: 100, pieceLengths: [undefined, 4 * MIB] },
  { hosts: 500, pieceLengths: [4 * MIB] },
  { hosts: kraken.hosts, pieceLengths: [2 * MIB, 4 * MIB] },
  { hosts: 10_000, pieceLengths: [4 * MIB] },
]

/**
 * What `simulate` makes of a day without faults and of a rough one, for 100, 500, 2,600 and 10,000 hosts. `--hosts` runs one
 * size, `--seed` another chance.
 */
export async function simulation(args: readonly string[]): Promise<void> {
  const options = { hosts: { type: 'string' }, seed: { type: 'string', default: '1' } } as const
  const { values } = parseArgs({ args: [...args], options })
  const seed = Number(values.seed)
  const scenarios = scenariosOf(seed, values.hosts === undefined ? undefined : Number(values.hosts))
  process.stdout.write(`seed ${seed}\n`)
  const runs = scenarios.map(runOf)
  await publish({
    name: 'simulation',
    conditions: [
      `simulated, not measured: an image of 3 GB in 2 layers, 5 origins, each node sends and receives 300 MB/s at most, seed ${seed}`,
      'times from the start of each agent until it has all layers, in simulated seconds; agents that vanish do not count; those of a byte: until the reader of a layer has it',
      'calm: all begin within 0.1 s, 0.25 ms apart. rough: three zones 2 ms apart, 2 % at a quarter of the rate, 10 % come within 10 s, 2 % vanish',
      'real: picker, pace of requests, upload slots, ledger of origins, the tracker with its order of peers, piece map, limits; test/bench/simulation/simulate.ts says what is modelled and what is not',
      'the pieces of larger swarms are longer than real ones, to simulate them in minutes; 100 hosts show what that changes',
      `Kraken published ${kraken.published.join(' / ')} s (p50, p99, p99.9) for ${kraken.hosts} hosts`,
    ],
    columns: simulationColumns,
    rows: simulationRows(runs),
    raw: runs.map(({ scenario, outcome: { finishMs: _, firstByteMs: __, meanByteMs: ___, ...outcome } }) => ({
      scenario,
      outcome,
    })),
  })
  await writeFile(join(import.meta.dirname, '..', 'results', 'simulation.svg'), plotOf(runs))
}

function scenariosOf(seed: number, only: number | undefined): readonly Scenario[] {
  const chosen = sizes.filter(({ hosts }) => only === undefined || hosts === only)
  const own = only === undefined || chosen.length > 0 ? chosen : [{ hosts: only, pieceLengths: [undefined] }]
  return own.flatMap(({ hosts, pieceLengths }) => [
    ...pieceLengths.map((pieceLength) => krakenScenario(hosts, { seed, pieceLength })),
    roughScenario(hosts, { seed, pieceLength: pieceLengths.at(-1) }),
  ])
}

function runOf(scenario: Scenario): Run {
  const startMs = performance.now()
  const outcome = simulate(scenario)
  const seconds = Math.round((performance.now() - startMs) / 1000)
  process.stdout.write(`${scenario.agents} hosts, ${scenario.name}: ${outcome.events} events in ${seconds} s\n`)
  return { scenario, outcome }
}

function plotOf(runs: readonly Run[]): string {
  const lines = runs.map(({ scenario: { agents, name }, outcome: { finishMs, pieceLength } }) => ({
    label: `${agents} hosts, ${name}, pieces of ${pieceLength / 1024} KiB`,
    finishMs,
  }))
  const shares = [0.5, 0.99, 0.999]
  const points = kraken.published.map((seconds, at) => ({
    label: `Kraken, ${kraken.hosts} hosts: p50, p99, p99.9`,
    share: shares[at] ?? 1,
    seconds,
  }))
  return distributionPlot(lines, points)
}
