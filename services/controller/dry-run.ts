import type { NamesStatus } from '../../lib/api/index.ts'
import { type AbortOptions, appError, hasCode } from '../../lib/base/index.ts'
import type { Runtime } from '../../lib/service/index.ts'
import type { ControllerConfig } from './config.ts'
import { type Kube, leaseRecord, openKube, resources } from './kubernetes/index.ts'
import { lookOnce } from './names/index.ts'

/** What a controller would do. */
export interface DryRun {
  /** Whoever has the lease now, and does it; undefined: nobody. */
  readonly leader: string | undefined
  readonly names: NamesStatus
}

/**
 * One look at what a controller with this config would do: no lease, no record and no event is written. It needs the rights
 * to read alone. @throws ROLE_OFF without the role `names`, and what reading the cluster or the zone throws
 */
export async function dryRun(runtime: Runtime, config: ControllerConfig, options: AbortOptions): Promise<DryRun> {
  if (!config.roles.includes('names')) throw appError('ROLE_OFF', { detail: { role: 'names' } })
  const kube = openKube(runtime, config.kubernetes)
  await kube.start()
  try {
    const leader = await holderOf(kube, config.lease.name, options)
    return { leader, names: await lookOnce({ ...runtime, kube }, config, options) }
  } finally {
    await kube.stop()
  }
}

async function holderOf({ reads }: Kube, lease: string, options: AbortOptions): Promise<string | undefined> {
  try {
    return leaseRecord(await reads.get(resources.leases, { name: lease }, options)).holder
  } catch (err) {
    if (hasCode(err, 'KUBE_NOT_FOUND')) return undefined
    throw err
  }
}
