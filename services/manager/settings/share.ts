import { pickHosts } from './pick-hosts.ts'

/** Which hosts have the new version of a roll-out. */
export interface Share {
  /** By cluster. */
  readonly hosts: Readonly<Record<string, readonly string[]>>
  /** Of all hosts, those in this share by their ids; 100: everybody. */
  readonly percent?: number
}

export const nobody: Share = { hosts: {} }
/** Whether hosts of a cluster may be in it. */
export const reaches = ({ hosts, percent }: Share, cluster: string): boolean =>
  percent !== undefined || (hosts[cluster] ?? []).length > 0
export const isEverybody = ({ percent }: Share): boolean => percent === 100

/** Above so many hosts a share in percent is told as such, and not host by host. */
const MAX_NAMED = 200

interface KnownHost {
  readonly cluster: string
  readonly host: string
  readonly zone?: string | undefined
}

export interface ShareInit {
  /** Those that could have it. */
  readonly hosts: readonly KnownHost[]
  /** Of the step before. */
  readonly former: Share
  /** Each roll-out begins with other hosts. */
  readonly salt: string
}

const keyOf = ({ cluster, host }: KnownHost): string => JSON.stringify([cluster, host])

/**
 * The hosts of a step: as many as it says, spread over clusters and zones, those of the step before among them; of a
 * share at least one.
 */
export function shareOf(
  step: { readonly hosts: number } | { readonly percent: number },
  { hosts, former, salt }: ShareInit,
): Share {
  if (isEverybody(former) || ('percent' in step && step.percent === 100)) return { hosts: {}, percent: 100 }
  const count = 'hosts' in step ? step.hosts : Math.max(1, Math.round((hosts.length * step.percent) / 100))
  if ('percent' in step && (count > MAX_NAMED || former.percent !== undefined))
    return { hosts: former.hosts, percent: Math.max(step.percent, former.percent ?? 0) }
  const before = Object.entries(former.hosts).flatMap(([cluster, ids]) => ids.map((host) => ({ cluster, host })))
  const places = new Map([...before, ...hosts].map((each) => [keyOf(each), each]))
  const candidates = hosts.map((each) => ({ host: keyOf(each), zone: JSON.stringify([each.cluster, each.zone]) }))
  const picked = pickHosts(candidates, { count, former: before.map(keyOf), salt })
  const byCluster: Record<string, string[]> = {}
  for (const { cluster, host } of picked.flatMap((key) => places.get(key) ?? []))
    byCluster[cluster] = [...(byCluster[cluster] ?? []), host]
  return { ...former, hosts: byCluster }
}
