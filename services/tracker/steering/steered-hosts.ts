import { placeInShare, type SteeredState, steeredStates } from '../../../lib/api/index.ts'
import type { Clock, Startable } from '../../../lib/base/index.ts'
import type { Metrics } from '../../../lib/telemetry/index.ts'
import type { Posts } from '../fleet/posts.ts'
import { ticking } from '../ticking.ts'
import { type HostReports, hostReports } from './host-reports.ts'
import { steeredState } from './steered-state.ts'
import type { Steering } from './steering.ts'
import { type SteeringDesk, steeringDesk } from './steering-desk.ts'
import { waking } from './waking.ts'

/** How often hosts are counted by their states. */
const COUNT_MS = 10_000

export interface SteeredHostsComponents {
  readonly clock: Clock
  readonly metrics: Metrics
  readonly posts: Pick<Posts, 'wake'>
  readonly steering: Steering
}

/** The hosts that take their settings here: what they report, what they are told, and that they hear of a change at once. */
export interface SteeredHosts extends Startable {
  readonly reports: HostReports
  readonly steeringDesk: SteeringDesk
}

export function steeredHosts(
  { clock, metrics, posts, steering }: SteeredHostsComponents,
  { member, maxHosts }: { readonly member: string; readonly maxHosts: number },
): SteeredHosts {
  const help = 'Hosts that take settings here, by what became of these.'
  const gauge = metrics.gauge({ name: 'shoal_tracker_steered_hosts', help }, ['state'])
  const reports = hostReports(clock, { max: maxHosts })
  const desk = steeringDesk({ steering, reports })
  const wakes = waking({ clock, desk, posts }, { share: placeInShare('', member) / 100 })
  steering.onChange(() => wakes.begin())
  const ticks = ticking(clock, COUNT_MS, () => {
    reports.sweep()
    const counts = new Map<SteeredState, number>()
    for (const report of reports.all()) {
      const state = steeredState({ steering, reports }, report)
      counts.set(state, (counts.get(state) ?? 0) + 1)
    }
    for (const state of steeredStates) gauge.with({ state }).set(counts.get(state) ?? 0)
  })
  return {
    reports,
    steeringDesk: desk,
    start() {
      reports.begin()
      return ticks.start()
    },
    async stop() {
      await ticks.stop()
      await wakes.stop()
    },
  }
}
