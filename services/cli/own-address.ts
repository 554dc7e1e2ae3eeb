import { type CommonConfig, type ListenerConfig, schemeOf } from '../../lib/service/index.ts'

/** A service that listens on all addresses is reached at the loopback address. */
export const reachable = (host: string) => {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

/** The URL at which a listener is reached from its own machine. */
export function addressOf(config: Pick<CommonConfig, 'tls'>, listener: Pick<ListenerConfig, 'bind' | 'tls'>): string {
  return `${schemeOf(config, listener)}://${reachable(listener.bind.host)}:${listener.bind.port}`
}
