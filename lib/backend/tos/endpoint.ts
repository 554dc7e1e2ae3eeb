import type { TosConfig } from './config.ts'

/** Where requests go. */
export interface TosEndpoint {
  /** Host, with the port when it is not the usual one. */
  readonly host: string
  /** By TLS. */
  readonly secure: boolean
}

/** The endpoint that the config names; https unless a URL says http. */
export function tosEndpoint({ endpoint, network, region }: TosConfig): TosEndpoint {
  if (endpoint === undefined) {
    const domain = network === 'internal' ? 'ivolces.com' : 'volces.com'
    return { host: `tos-${region}.${domain}`, secure: true }
  }
  return { host: endpoint.replace(/^https?:\/\//, ''), secure: !endpoint.startsWith('http://') }
}
