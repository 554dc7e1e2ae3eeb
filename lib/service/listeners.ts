import { appError } from '../base/index.ts'
import { assertSafeBind } from '../identity/index.ts'
import type { CommonConfig, ListenerConfig } from './config.ts'
import { type ServiceKind, serviceFacts } from './service-table.ts'

/** The part of a config at the dotted key from the table of services, of a listener that cannot be off. */
export function listenerConfig(config: CommonConfig, key: string): ListenerConfig {
  return valueAt(config, key) as ListenerConfig
}

const valueAt = (config: CommonConfig, key: string): unknown =>
  key.split('.').reduce<unknown>((inner, step) => (inner as Record<string, unknown>)[step], config)

/** The same of any listener; undefined while it is off. */
export function openListener(config: CommonConfig, key: string): ListenerConfig | undefined {
  const found: Partial<ListenerConfig> = listenerConfig(config, key)
  return found.bind === undefined ? undefined : (found as ListenerConfig)
}

/** A listener that a config opens. */
export interface OpenListener {
  /** As in the table of services, or as the config calls it. */
  readonly name: string
  /** Dotted path of its keys, for messages. */
  readonly key: string
  readonly config: ListenerConfig
  /** It is one of the list of further listeners. */
  readonly isFurther: boolean
}

/** Every listener that the config of a service opens: those of the table, and then its further ones. */
export function openListeners(kind: ServiceKind, config: CommonConfig): readonly OpenListener[] {
  const { listeners, further } = serviceFacts(kind)
  const usual = Object.entries(listeners).flatMap(([name, { key }]): readonly OpenListener[] => {
    const open = openListener(config, key)
    return open === undefined ? [] : [{ name, key, config: open, isFurther: false }]
  })
  if (further === undefined) return usual
  const listed = valueAt(config, further.key) as readonly (ListenerConfig & { readonly name: string })[]
  const more = listed.map(
    (own, i): OpenListener => ({ name: own.name, key: `${further.key}.${i}`, config: own, isFurther: true }),
  )
  return [...usual, ...more]
}

/** What a listener speaks: TLS needs a certificate. */
export function speechOf(
  { tls }: Pick<CommonConfig, 'tls'>,
  listener: Pick<ListenerConfig, 'tls'>,
): 'plain' | 'tls' | 'both' {
  if (listener.tls === 'off' || tls.certificate === undefined) return 'plain'
  return listener.tls === 'optional' ? 'both' : 'tls'
}

/** The scheme of the URLs by which others call the listener. */
export const schemeOf = (config: Pick<CommonConfig, 'tls'>, listener: Pick<ListenerConfig, 'tls'>): 'http' | 'https' =>
  speechOf(config, listener) === 'tls' ? 'https' : 'http'

/**
 * Refuses a config with a listener, of any protocol, that unknown callers could reach, or whose keys contradict each
 * other, or those of another listener.
 * @throws INSECURE_BIND unless loopback without balancers, a secret, certificates of all peers, or `insecure`; CONFIG_INVALID
 */
export function assertSafeListeners(kind: ServiceKind, config: CommonConfig): void {
  const { some, prover } = config.secrets
  const opened = openListeners(kind, config)
  for (const { name, key, config: open } of opened) {
    assertSoundTls(config, key, { ...open, isPeer: name === 'peer' })
    const proven = prover !== undefined || speechOf(config, open) === 'tls'
    const guarded = name === 'peer' ? proven : some
    const behindBalancers = open.proxyProtocol !== undefined
    assertSafeBind({ listener: key, host: open.bind.host, behindBalancers, guarded, insecure: open.insecure })
  }
  assertOwnNames(kind, opened)
  assertOwnAddresses(opened)
}

/** Two listeners of one name could not be told apart in metrics and logs. @throws CONFIG_INVALID */
function assertOwnNames(kind: ServiceKind, opened: readonly OpenListener[]): void {
  const taken = new Set(Object.keys(serviceFacts(kind).listeners))
  for (const { name, key } of opened.filter(({ isFurther }) => isFurther)) {
    if (taken.has(name)) refuse(`${key}.name: another listener of this service is called ${name}`)
    taken.add(name)
  }
}

/** Whoever binds to all addresses leaves the port to nobody else. */
const ALL_ADDRESSES = ['0.0.0.0', '::']

/** Whether two listeners cannot be opened side by side; `auto` is never the port of another. */
const collide = ({ bind: a }: ListenerConfig, { bind: b }: ListenerConfig): boolean =>
  a.port !== 0 && a.port === b.port && (a.host === b.host || [a.host, b.host].some((h) => ALL_ADDRESSES.includes(h)))

/** @throws CONFIG_INVALID for two listeners at one address */
function assertOwnAddresses(opened: readonly OpenListener[]): void {
  for (const [i, { key, config }] of opened.entries()) {
    const other = opened.slice(0, i).find((earlier) => collide(earlier.config, config))
    if (other !== undefined) refuse(`${key}.bind: ${other.key} has the port ${config.bind.port} already`)
  }
}

function refuse(message: string): never {
  throw appError('CONFIG_INVALID', { message })
}

type TlsKeys = Pick<ListenerConfig, 'tls' | 'clientCertificates'> & { readonly isPeer: boolean }

/** A key of a listener that has no effect would let its operator believe something that is not so. @throws CONFIG_INVALID */
function assertSoundTls(config: CommonConfig, key: string, { tls, clientCertificates = 'off', isPeer }: TlsKeys): void {
  const speech = speechOf(config, { tls })
  const [asks, trusts] = [clientCertificates !== 'off', config.tls.authorities.length > 0]
  if (tls === 'optional' && speech === 'plain') refuse(`${key}.tls is optional, but tls.certificate is not set`)
  if (asks && speech !== 'tls') refuse(`${key}.clientCertificates needs a listener that speaks TLS alone`)
  if (asks && !trusts) refuse(`${key}.clientCertificates needs tls.authorities`)
  if (isPeer && speech !== 'plain' && !trusts)
    refuse(`peers show each other certificates of tls.authorities; set that, or ${key}.tls: off`)
}
