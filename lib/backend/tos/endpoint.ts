import type { TosConfig } from './config.ts'

/** Where requests go. */
export interface TosEndpoint {
  /** Host, with the port unless it is the usual one. */
  readonly host: string
  /** Whether to use TLS. */
  readonly secure: boolean
}

/** The endpoint in the config; https unless a URL says http. */
export function tosEndpoint({ endpoint, network, region }: TosConfig): TosEndpoint {
  if (endpoint === undefined) {
    const domain = network === 'internal' ? 'ivolces.com' : 'volces.com'
    return { host: `tos-${region}.${domain}`, secure: true }
  }
  return { host: endpoint.replace(/^https?:\/\//, ''), secure: !endpoint.startsWith('http://') }
}
