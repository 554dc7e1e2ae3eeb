import type { Cluster } from '../../lib/cluster/index.ts'
import type { NameOf } from './traced-pull.ts'

/**
 * Names origins as the config does. A peer says where it listens and not which member it is, so the host has to tell: a
 * host with several origins, or one that the config has by another name, tells nothing.
 */
export function originNames({ members }: Pick<Cluster, 'members'>): NameOf {
  const byHost = new Map<string, string | undefined>()
  for (const { id, url } of members) {
    const { hostname } = new URL(url)
    byHost.set(hostname, byHost.has(hostname) ? undefined : id)
  }
  return ({ role, address }) => (role === 'origin' ? byHost.get(address.replace(/:\d+$/, '')) : undefined)
}
