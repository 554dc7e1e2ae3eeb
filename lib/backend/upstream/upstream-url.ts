import type { UpstreamRule } from './config.ts'

/** Where Docker Hub has its registry; `docker.io` itself is a web site. */
const HUB = { name: 'docker.io', host: 'registry-1.docker.io' } as const

/** The base URL of a registry by its name in images. */
export function upstreamUrl({ url, plainHttp }: Pick<UpstreamRule, 'url' | 'plainHttp'>, registry: string): string {
  if (url !== undefined) return url
  const host = registry === HUB.name ? HUB.host : registry
  return `${plainHttp ? 'http' : 'https'}://${host}`
}
