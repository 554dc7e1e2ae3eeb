import type { Cluster, Member } from '../../lib/cluster/index.ts'
import type { NameOf } from './traced-pull.ts'

/**
 * Names origins as the cluster does. A peer says where it listens and not which member it is, so the host has to tell: a
 * host with several origins, or one that the cluster has by another name, tells nothing.
 */
export function originNames(cluster: Pick<Cluster, 'members'>): NameOf {
  let known: { readonly members: readonly Member[]; readonly byHost: ByHost } | undefined
  return ({ role, address }) => {
    if (role !== 'origin') return undefined
    const { members } = cluster
    if (known?.members !== members) known = { members, byHost: byHostOf(members) }
    return known.byHost.get(address.replace(/:\d+$/, ''))
  }
}

type ByHost = ReadonlyMap<string, string | undefined>

function byHostOf(members: readonly Member[]): ByHost {
  const byHost = new Map<string, string | undefined>()
  for (const { id, url } of members) {
    const { hostname } = new URL(url)
    byHost.set(hostname, byHost.has(hostname) ? undefined : id)
  }
  return byHost
}
