import type { Wheel } from '../../../base/index.ts'
import type { SwarmLimits } from '../../limits.ts'
import { nextBlock } from './assignment.ts'
import type { AssignmentView } from './assignment-contract.ts'
import type { BlockRequests } from './block-requests.ts'
import { bySuitability, freeBlocks, type Supplier } from './supplier.ts'
import type { Suppliers } from './suppliers.ts'

export interface AssignerComponents {
  readonly wheel: Wheel
  readonly limits: SwarmLimits
}

export interface AssignerInit {
  readonly view: () => AssignmentView
  readonly suppliers: Suppliers
  readonly requests: Pick<BlockRequests, 'ask' | 'cancelBlock'>
  /** A peer was relieved of a block, so it can give another one. */
  onRelieved(): void
}

/** Gives peers something to do. */
export class Assigner {
  readonly #components: AssignerComponents
  readonly #init: AssignerInit

  constructor(components: AssignerComponents, init: AssignerInit) {
    this.#components = components
    this.#init = init
  }

  /** The download as it is now. */
  get view(): AssignmentView {
    return this.#init.view()
  }

  /**
   * Looks at every peer with room, except those for which nothing was found at this `version` of the download. True
   * when there is one that could give more than it was asked for, now or later.
   */
  run(version: number): boolean {
    const { wheel, limits } = this.#components
    const { nowMs } = wheel
    const ready: Supplier[] = []
    let isAnyIdle = false
    for (const peer of this.#init.suppliers) {
      if (peer.exhaustedAt === version || nowMs < peer.notBeforeMs) isAnyIdle = true
      else if (freeBlocks(peer, nowMs, limits) > 0) ready.push(peer)
    }
    if (ready.length === 0) return isAnyIdle
    const { view } = this
    for (const peer of ready.sort(bySuitability)) if (!this.#fill(peer, view, version)) isAnyIdle = true
    return isAnyIdle
  }

  /** Asks the peer for as much as it may be asked for; false when there was not so much to ask. */
  #fill(peer: Supplier, view: AssignmentView, version: number): boolean {
    const { requests } = this.#init
    while (freeBlocks(peer, view.nowMs, this.#components.limits) > 0) {
      const next = nextBlock(view, peer)
      if (next === undefined) {
        // An origin that falls idle may be asked for more than a busy one.
        if (peer.connection.hello.role === 'agent' || peer.openBlocks === 0) peer.exhaustedAt = version
        return false
      }
      if (next.instead === true) {
        requests.cancelBlock(next.block)
        this.#init.onRelieved()
      }
      requests.ask(next, peer)
    }
    return true
  }
}
