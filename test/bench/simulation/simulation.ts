import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { publish } from '../measure.ts'
import { kraken, type Run, simulationColumns, simulationRows } from './figures.ts'
import { keepRun, keptRuns } from './kept-runs.ts'
import { distributionPlot } from './plot.ts'
import { krakenScenario, roughScenario, type Scenario } from './scenario.ts'
import { simulate } from './simulate.ts'

const sizes = [100, 500, kraken.hosts]
const days = { calm: krakenScenario, rough: roughScenario }

/**
 * What `simulate` makes of a day without faults and of a rough one, for 100, 500 and 2,600 hosts, or for other sizes
 * (`--hosts 10000`: with real pieces that takes hours and 10 GB). `--day calm` runs one day, `--seed` another chance. The
 * last run of each size and day is kept, and shown with the others.
 */
export async function simulation(args: readonly string[]): Promise<void> {
  const options = {
    hosts: { type: 'string' },
    day: { type: 'string' },
    seed: { type: 'string', default: '1' },
  } as const
  const { values } = parseArgs({ args: [...args], options })
  const seed = Number(values.seed)
  const results = join(import.meta.dirname, '..', 'results')
  const folder = join(results, 'simulation')
  process.stdout.write(`seed ${seed}\n`)
  for (const hosts of values.hosts === undefined ? sizes : values.hosts.split(',').map(Number)) {
    for (const [day, scenarioOf] of Object.entries(days)) {
      if (values.day === undefined || values.day === day) await keepRun(folder, runOf(scenarioOf(hosts, { seed })))
    }
  }
  const runs = await keptRuns(folder)
  await publish({
    name: 'simulation',
    conditions: [
      `simulated, not measured: an image of 3 GB in 2 layers, 5 origins, each node sends and receives 300 MB/s at most, seed ${seed}`,
      'times from the start of each agent until it has all layers, in simulated seconds; agents that vanish do not count; those of a byte: until the reader of a layer has it',
      'calm: all begin within 0.1 s, 0.25 ms apart. rough: three zones 2 ms apart, 2 % at a quarter of the rate, 10 % come within 10 s, 2 % vanish',
      'real: picker, pace of requests, upload slots, ledger of origins, the tracker with its order of peers, piece map, limits; test/bench/simulation/simulate.ts says what is modelled and what is not',
      'pieces as long as real ones',
      `Kraken published ${kraken.published.join(' / ')} s (p50, p99, p99.9) for ${kraken.hosts} hosts`,
    ],
    columns: simulationColumns,
    rows: simulationRows(runs),
    raw: runs.map(({ scenario, outcome: { finishMs: _, firstByteMs: __, meanByteMs: ___, ...outcome } }) => ({
      scenario,
      outcome,
    })),
  })
  await writeFile(join(results, 'simulation.svg'), plotOf(runs))
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
