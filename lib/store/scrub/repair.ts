import type { AbortOptions } from '../../base/index.ts'
import type { Digest } from '../../core/index.ts'

/** Where a good copy came from. */
export type RepairSource = 'replica' | 'backend'

/** What became of a rotten blob. `removed`: whoever asks for it brings it again. `lost`: no source has a good copy. */
export type Replacement =
  | { readonly outcome: 'repaired'; readonly from: RepairSource }
  | { readonly outcome: 'removed' | 'lost' }

/** Does away with a bad copy. */
export interface Repair {
  /**
   * Removes the blob, so that nobody is given it any more, also not from memory; then brings it again, where this node
   * is to have it. @throws ABORTED
   */
  replace(digest: Digest, options?: AbortOptions): Promise<Replacement>
}
