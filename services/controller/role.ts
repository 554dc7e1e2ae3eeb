import type { Startable } from '../../lib/base/index.ts'
import type { Term } from './kubernetes/index.ts'

/** What the controller does in a cluster. Each role is a folder beside this file. */
export interface Role {
  /** What runs whether this process leads or not, such as watches: who becomes the leader knows the cluster already. */
  readonly parts: readonly Startable[]
  /** What only the leader does, once in each term; as `lead` of an election. */
  lead(term: Term): Promise<void>
  /** Why the role cannot work now, for `/readyz`; undefined: nothing is in its way. */
  check(): string | undefined
}
