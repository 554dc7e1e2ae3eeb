import { registryProxyStates } from '../../../lib/api/index.ts'
import type { Metrics } from '../../../lib/telemetry/index.ts'

export interface RegistryMeters {
  /** The states of all proxies. */
  proxies(states: readonly string[]): void
  failed(): void
}

export function registryMeters(metrics: Metrics): RegistryMeters {
  const proxies = metrics.gauge(
    { name: 'shoal_manager_registry_proxies', help: 'Proxies, by whether they have the users of this manager.' },
    ['state'],
  )
  const failures = metrics
    .counter({ name: 'shoal_manager_registry_failures_total', help: 'Rounds of users of registries that failed.' })
    .with({})
  return {
    proxies(states) {
      for (const state of registryProxyStates)
        proxies.with({ state }).set(states.filter((each) => each === state).length)
    },
    failed: () => failures.add(),
  }
}
