import type { GivenRemoteSet, Giver, HeldSet } from '../../../../lib/api/index.ts'
import { type AbortOptions, appError, type Clock } from '../../../../lib/base/index.ts'
import { afterChange, assertMayGive, heldOf } from './kept-remotes.ts'
import type { LiveFollowers } from './live-followers.ts'

export interface GiveInit extends AbortOptions {
  /** Sees what is held in its turn, and may throw. */
  readonly check: (held: HeldSet) => void
}

/** The remotes that a manager has given this cluster, or an admin in its place. All its build-indexes obey them. */
export interface GivenRemotes {
  /** As the cluster has them now. */
  held(options: AbortOptions): Promise<HeldSet>
  /**
   * Replaces them. They are durable, and count here, when this returns.
   * @throws REMOTES_HELD, REMOTES_STALE; NAME_TAKEN for the name of a webhook
   */
  give(by: Giver, set: GivenRemoteSet, init: GiveInit): Promise<HeldSet>
  /** Lets go of all of them. */
  release(init: GiveInit): Promise<HeldSet>
}

export interface GivenRemotesComponents {
  readonly clock: Pick<Clock, 'now'>
  readonly followers: Pick<LiveFollowers, 'kept' | 'change' | 'look'>
  readonly hooks: ReadonlyMap<string, unknown>
}

export function givenRemotes({ clock, followers, hooks }: GivenRemotesComponents): GivenRemotes {
  return {
    async held(options) {
      const [kept] = await Promise.all([followers.kept(options), followers.look(options)])
      return heldOf(kept)
    },
    async give(by, set, { check, signal }) {
      const decide: Parameters<LiveFollowers['change']>[0] = (kept) => {
        check(heldOf(kept))
        assertMayGive(kept, by, set)
        const taken = set.remotes.find(({ name }) => hooks.has(name))
        if (taken !== undefined)
          throw appError('NAME_TAKEN', { message: `a webhook of the config is called ${taken.name}` })
        return afterChange(kept, { by, set }, clock.now())
      }
      return heldOf(await followers.change(decide, { signal }))
    },
    async release({ check, signal }) {
      const decide: Parameters<LiveFollowers['change']>[0] = (kept) => {
        check(heldOf(kept))
        return kept.given === undefined ? undefined : afterChange(kept, undefined, clock.now())
      }
      return heldOf(await followers.change(decide, { signal }))
    },
  }
}
