import type { AccountsStatus } from '../../../lib/api/index.ts'
import { type Slots, slots } from '../../../lib/base/index.ts'
import { type WatchedObjects, watchedObjects } from '../kubernetes/index.ts'
import type { Role, RoleComponents } from '../role.ts'
import { accountObserver } from './account/account-observer.ts'
import { httpTalk, type OpenTalk } from './account/origin-talk.ts'
import { ownedObjects } from './account/owned-objects.ts'
import type { AccountsConfig } from './config.ts'
import { type ControlPlane, controlPlaneOf, controlPlanes } from './resource/control-plane.ts'
import { healthOf, statusOf } from './status.ts'
import { workOnAll } from './workers.ts'

export interface AccountsRole extends Role {
  accounts(): AccountsStatus
}

export interface AccountsRoleConfig {
  readonly accounts: AccountsConfig
}

/** Looks after a control plane of its own for each account. `openTalk`: how origins are reached; default: over HTTP. */
export function accountsRole(
  components: RoleComponents,
  { accounts: config }: AccountsRoleConfig,
  openTalk: OpenTalk = httpTalk(components),
): AccountsRole {
  const { kube, metrics } = components
  const planes: WatchedObjects<ControlPlane> = watchedObjects<ControlPlane>(components, {
    resource: controlPlanes,
    // Known only after the start.
    get namespace() {
      return config.namespace ?? kube.namespace
    },
    keep: controlPlaneOf,
  })
  const owned = ownedObjects(components)
  const turns: Slots = slots(config.parallel)
  const observer = accountObserver(components)
  countHealth(planes, metrics)
  const isKnown = () => planes.freshness !== 'none' && owned.isKnown
  return {
    name: 'accounts',
    parts: [planes, ...owned.parts],
    async lead(term) {
      // What is not known yet would be taken for missing.
      await Promise.all([planes.listed({ signal: term.signal }), owned.listed({ signal: term.signal })])
      await workOnAll({ ...components, owned, talk: openTalk }, { config, planes, slots: turns, observer }, term)
    },
    problem: () => (isKnown() ? undefined : 'the accounts and their objects have not been listed yet'),
    accounts: () => statusOf(planes),
  }
}

function countHealth(planes: WatchedObjects<ControlPlane>, metrics: RoleComponents['metrics']): void {
  const gauge = metrics.gauge({ name: 'shoal_accounts', help: 'Accounts, by their health.' }, ['state'])
  const healths = ['ready', 'progressing', 'degraded', 'waiting', 'paused', 'leaving'] as const
  planes.onChange(() => {
    const counts = new Map<string, number>()
    for (const plane of planes.items.values()) counts.set(healthOf(plane), (counts.get(healthOf(plane)) ?? 0) + 1)
    for (const health of healths) gauge.with({ state: health }).set(counts.get(health) ?? 0)
  })
}
