import { appError } from '../base/index.ts'
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

/** What a listener speaks: TLS needs a certificate. */
export function speechOf({ tls }: CommonConfig, listener: Pick<ListenerConfig, 'tls'>): 'plain' | 'tls' | 'both' {
  if (listener.tls === 'off' || tls.certificate === undefined) return 'plain'
  return listener.tls === 'optional' ? 'both' : 'tls'
}

/** The scheme of the URLs by which others call the listener. */
export const schemeOf = (config: CommonConfig, listener: Pick<ListenerConfig, 'tls'>): 'http' | 'https' =>
  speechOf(config, listener) === 'tls' ? 'https' : 'http'

/**
 * Refuses a config with a listener, of any protocol, that unknown callers could reach, or whose keys contradict each
 * other.
 * @throws INSECURE_BIND unless loopback, a secret, certificates of all peers, or `insecure`; CONFIG_INVALID
 */
export function assertSafeListeners(kind: ServiceKind, config: CommonConfig): void {
  const { some, prover } = config.secrets
  for (const [name, { key }] of Object.entries(serviceFacts(kind).listeners)) {
    const open = openListener(config, key)
    if (open === undefined) continue
    assertSoundTls(config, key, { ...open, isPeer: name === 'peer' })
    const proven = prover !== undefined || speechOf(config, open) === 'tls'
    const guarded = name === 'peer' ? proven : some
    assertSafeBind({ listener: key, host: open.bind.host, guarded, insecure: open.insecure })
  }
}

type TlsKeys = Pick<ListenerConfig, 'tls' | 'clientCertificates'> & { readonly isPeer: boolean }

/** A key of a listener that has no effect would let its operator believe something that is not so. @throws CONFIG_INVALID */
function assertSoundTls(config: CommonConfig, key: string, { tls, clientCertificates = 'off', isPeer }: TlsKeys): void {
  const refuse = (message: string) => {
    throw appError('CONFIG_INVALID', { message })
  }
  const speech = speechOf(config, { tls })
  const [asks, trusts] = [clientCertificates !== 'off', config.tls.authorities.length > 0]
  if (tls === 'optional' && speech === 'plain') refuse(`${key}.tls is optional, but tls.certificate is not set`)
  if (asks && speech !== 'tls') refuse(`${key}.clientCertificates needs a listener that speaks TLS alone`)
  if (asks && !trusts) refuse(`${key}.clientCertificates needs tls.authorities`)
  if (isPeer && speech !== 'plain' && !trusts)
    refuse(`peers show each other certificates of tls.authorities; set that, or ${key}.tls: off`)
}
