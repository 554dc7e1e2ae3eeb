import type { RunSettings, SteeredGroup, SteeredState } from '../../../lib/api/index.ts'
import type { HostReport, HostReports } from './host-reports.ts'
import type { Steering } from './steering.ts'

export interface SteeredStateComponents {
  readonly steering: Pick<Steering, 'for' | 'held'>
  readonly reports: Pick<HostReports, 'isAway'>
}

/** What became of the settings of a host. It may run them since an earlier generation, which said the same for it. */
export function steeredState({ steering, reports }: SteeredStateComponents, host: HostReport): SteeredState {
  const { report } = host
  if (reports.isAway(host)) return 'away'
  if (report === undefined) return 'unable'
  if (report.hash !== steering.for(host).hash) return 'waiting'
  return report.state
}

/** The generation that a host runs: the present one, when that says for it what it runs. */
export function runningGeneration({ steering }: Pick<SteeredStateComponents, 'steering'>, host: HostReport): number {
  const { report } = host
  if (report === undefined) return 0
  const isPresent = report.state === 'applied' && report.hash === steering.for(host).hash
  return isPresent ? steering.held.version.generation : report.runs
}

/** Which settings a host runs, and why not those that it should. */
export function runSettings(components: SteeredStateComponents, host: HostReport): RunSettings {
  const { seenAtMs, report: { code, message } = {} } = host
  return {
    ...{ state: steeredState(components, host), generation: runningGeneration(components, host), seenAtMs },
    ...(code !== undefined && { code }),
    ...(message !== undefined && { message }),
  }
}

type Counts = { -readonly [K in keyof SteeredGroup['states']]: number }

/** Sums up hosts. */
export class HostSum {
  readonly #states: Counts = { applied: 0, failed: 0, waiting: 0, unable: 0, away: 0 }
  readonly #health = { done: 0, failed: 0, stalled: 0 }
  #hosts = 0

  add({ report }: HostReport, state: SteeredState): void {
    this.#hosts += 1
    this.#states[state] += 1
    for (const count of ['done', 'failed', 'stalled'] as const) this.#health[count] += report?.health[count] ?? 0
  }

  get answer(): SteeredGroup {
    return { hosts: this.#hosts, states: { ...this.#states }, health: { ...this.#health } }
  }
}
