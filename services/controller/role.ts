import type { AccountsStatus, NamesStatus } from '../../lib/api/index.ts'
import type { Startable } from '../../lib/base/index.ts'
import type { Runtime } from '../../lib/service/index.ts'
import type { Kube, KubeEvents, Term } from './kubernetes/index.ts'

/** What the controller does in a cluster. */
export interface Role {
  /** As the config names it. */
  readonly name: string
  /** What runs whether this process leads or not, such as watches: who becomes the leader knows the cluster already. */
  readonly parts: readonly Startable[]
  /** What only the leader does, once in each term: as `lead` of an election. */
  lead(term: Term): Promise<void>
  /** Why it cannot do its work now, in words; undefined: it can. */
  problem(): string | undefined
  /** Of the role `names`: what an admin is told of it. */
  status?(): NamesStatus
  /** Of the role `accounts`: what an admin is told of it. */
  accounts?(): AccountsStatus
}

/** What roles are made of. */
export interface RoleComponents extends Runtime {
  readonly kube: Kube
  readonly events: KubeEvents
}
