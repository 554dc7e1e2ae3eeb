import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { publish } from '../measure.ts'
import { kraken, type Run, simulationColumns, simulationRows } from './figures.ts'
import { keepRun, keptRuns } from './kept-runs.ts'
import { distributionPlot } from './plot.ts'
import { coarse, krakenScenario, roughScenario, type Scenario, zonesScenario } from './scenario.ts'
import { simulate } from './simulate.ts'

const sizes = [100, 500, kraken.hosts]
const days = { calm: krakenScenario, rough: roughScenario }
/** Run only when they are named: two zones and a narrow link between them, by policy. */
const zoneDays = {
  'zones-topology': (agents: number, more: Partial<Scenario>) =>
    zonesScenario(agents, { ...more, name: 'zones-topology', policy: 'topology' }),
  'zones-adaptive': (agents: number, more: Partial<Scenario>) =>
    zonesScenario(agents, { ...more, name: 'zones-adaptive', policy: 'adaptive' }),
}

/**
 * What `simulate` makes of a day without faults and of a rough one, for 100, 500 and 2,600 hosts, or for other sizes
 * (`--hosts 10000 --coarse 2`: with real pieces that takes hours and 10 GB). `--day calm` runs one day, `--day zones` two zones with each policy
 * that looks at them, `--seed` another
 * chance, `--coarse N` simulates longer pieces. The last run of each size, day and piece length is kept, and shown with
 * the others; `--hosts 0` only shows them.
 */
export async function simulation(args: readonly string[]): Promise<void> {
  const options = {
    hosts: { type: 'string' },
    day: { type: 'string' },
    seed: { type: 'string', default: '1' },
    coarse: { type: 'string', default: '1' },
  } as const
  const { values } = parseArgs({ args: [...args], options })
  const [seed, times] = [Number(values.seed), Number(values.coarse)]
  const results = join(import.meta.dirname, '..', 'results')
  const folder = join(results, 'simulation')
  process.stdout.write(`seed ${seed}\n`)
  const chosen = values.hosts?.split(',').map(Number) ?? sizes
  for (const hosts of chosen.filter((count) => count > 0)) {
    for (const [day, scenarioOf] of Object.entries(values.day === undefined ? days : { ...days, ...zoneDays })) {
      if (values.day !== undefined && !day.startsWith(values.day)) continue
      const scenario = scenarioOf(hosts, { seed })
      await keepRun(folder, runOf(times > 1 ? coarse(scenario, times) : scenario))
    }
  }
  const runs = await keptRuns(folder)
  await publish({
    name: 'simulation',
    conditions: [
      `simulated, not measured: an image of 3 GB in 2 layers, 5 origins, each node sends and receives 300 MB/s at most, seed ${seed}`,
      'times from the start of each agent until it has all layers, in simulated seconds; agents that vanish do not count; those of a byte: until the reader of a layer has it',
      'calm: all begin within 0.1 s, 0.25 ms apart. rough: three zones 2 ms apart, 2 % at a quarter of the rate (which needs 40 s), 10 % come within 10 s, 2 % vanish',
      'zones: two zones with 1 Gbit/s between them, origins in one of them only; at most 1.2 copies may go across',
      'real: picker, pace of requests, upload slots, ledger of origins, the tracker with its order of peers, piece map, limits; test/bench/simulation/simulate.ts says what is modelled and what is not',
      'real pieces have 1024 KiB; where they are longer, so is the memory for them, which is slower and makes large swarms affordable',
      'which share of the hosts had everything when: [simulation.svg](simulation.svg)',
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
