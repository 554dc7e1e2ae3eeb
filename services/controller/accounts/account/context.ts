import type { Clock, Random } from '../../../../lib/base/index.ts'
import type { Logger } from '../../../../lib/telemetry/index.ts'
import type { Kube, KubeEvents, KubeReads, KubeWrites, Term } from '../../kubernetes/index.ts'
import type { AccountsConfig } from '../config.ts'
import type { ControlPlane } from '../resource/control-plane.ts'
import type { Place } from '../rules/configs.ts'

export interface AccountComponents {
  readonly kube: Pick<Kube, 'reads' | 'writes' | 'namespace'>
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly events: KubeEvents
}

/** One look at one account: who it is, and how it is read and written while this process leads. */
export interface AccountTurn {
  readonly plane: ControlPlane
  readonly place: Place
  readonly config: AccountsConfig
  readonly reads: KubeReads
  /** Each write is made by the leader alone. */
  readonly writes: KubeWrites
  /** Before origins are told anything. @throws LEADERSHIP_LOST */
  readonly assertLeading: () => void
  readonly signal: AbortSignal
}

/** Writes that fail with LEADERSHIP_LOST as soon as this process must not write any more. */
export const whileLeading = (writes: KubeWrites, term: Pick<Term, 'assert'>): KubeWrites => ({
  async create(...args) {
    term.assert()
    return writes.create(...args)
  },
  async replace(...args) {
    term.assert()
    return writes.replace(...args)
  },
  async merge(...args) {
    term.assert()
    return writes.merge(...args)
  },
  async apply(...args) {
    term.assert()
    return writes.apply(...args)
  },
  async remove(...args) {
    term.assert()
    return writes.remove(...args)
  },
})
