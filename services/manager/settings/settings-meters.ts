import { rolloutStates, steeredTrackerStates } from '../../../lib/api/index.ts'
import type { Metrics } from '../../../lib/telemetry/index.ts'

export interface SettingsMeters {
  /** The states of all roll-outs of which something is still to be done. */
  open(states: readonly string[]): void
  /** A roll-out has come to another state by itself. */
  ended(state: string): void
  /** The states of all trackers. */
  trackers(states: readonly string[]): void
  failed(): void
}

const tally = (states: readonly string[], state: string): number => states.filter((each) => each === state).length

export function settingsMeters(metrics: Metrics): SettingsMeters {
  const open = metrics.gauge(
    { name: 'shoal_manager_rollouts', help: 'Roll-outs of which something is still to be done, by state.' },
    ['state'],
  )
  const ended = metrics.counter(
    { name: 'shoal_manager_rollout_ends_total', help: 'Roll-outs that came to a state by themselves, by state.' },
    ['state'],
  )
  const trackers = metrics.gauge(
    { name: 'shoal_manager_trackers', help: 'Trackers, by whether they have the settings of this manager.' },
    ['state'],
  )
  const failures = metrics
    .counter({ name: 'shoal_manager_settings_failures_total', help: 'Rounds of settings that failed.' })
    .with({})
  const shown = ['running', 'paused', 'rollingBack'] as const
  for (const state of rolloutStates) ended.with({ state }).add(0)
  return {
    open(states) {
      for (const state of shown) open.with({ state }).set(tally(states, state))
    },
    ended(state) {
      if (rolloutStates.some((known) => known === state)) ended.with({ state }).add()
    },
    trackers(states) {
      for (const state of steeredTrackerStates) trackers.with({ state }).set(tally(states, state))
    },
    failed: () => failures.add(),
  }
}
