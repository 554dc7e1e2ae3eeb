import { assertSafeBind } from '../identity/index.ts'
import type { CommonConfig, ListenerConfig } from './config.ts'
import { type ServiceKind, serviceFacts } from './service-table.ts'

/** The part of a config at the dotted key from the table of services, of a listener that cannot be off. */
export function listenerConfig(config: CommonConfig, key: string): ListenerConfig {
  const found = key.split('.').reduce<unknown>((inner, step) => (inner as Record<string, unknown>)[step], config)
  return found as ListenerConfig
}

/** The same of any listener; undefined while it is off. */
export function openListener(config: CommonConfig, key: string): ListenerConfig | undefined {
  const found: Partial<ListenerConfig> = listenerConfig(config, key)
  return found.bind === undefined ? undefined : (found as ListenerConfig)
}

/**
 * Refuses a config with a listener, of any protocol, that unknown callers could reach.
 * @throws INSECURE_BIND unless loopback, a secret, or `insecure`
 */
export function assertSafeListeners(kind: ServiceKind, config: CommonConfig): void {
  const { some, prover } = config.secrets
  for (const [name, { key }] of Object.entries(serviceFacts(kind).listeners)) {
    const open = openListener(config, key)
    if (open === undefined) continue
    const secret = name === 'peer' ? prover !== undefined : some
    assertSafeBind({ listener: key, host: open.bind.host, secret, insecure: open.insecure })
  }
}
