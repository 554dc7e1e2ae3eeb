import { z } from 'zod'
import { text } from './bounded.ts'

/** Who gives a service something whole, such as its users or its remotes. A manager comes before an admin. */
export type Giver = 'admin' | 'manager'

/** A set as it is given: the generation of one manager, or of an admin in its place. */
export const givenSetKeys = {
  /** Who gives it. */
  manager: text(255).min(1),
  generation: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
}
type GivenSet = z.output<z.ZodObject<typeof givenSetKeys>>

/** What a service has of a set. */
export const heldSetSchema = z.object({
  /** `nobody`: what stands in its config alone counts. What a manager holds, an admin does not change. */
  by: z.enum(['nobody', 'admin', 'manager']),
  /** Who gave it; empty when nobody did. */
  manager: text(255),
  /** 0: nobody gave any. */
  generation: z.number().int().min(0),
  hash: text(64),
  count: z.number().int().min(0),
})
export type HeldSet = z.output<typeof heldSetSchema>

/** What a service says that was given nothing. */
export const nothingHeld: HeldSet = { by: 'nobody', manager: '', generation: 0, hash: '', count: 0 }

/**
 * Why somebody may not give this now: another one holds it (`held`), or it is older than what is there (`stale`). Undefined
 * when he may. What a manager holds only that manager replaces; an admin gives where none does.
 */
export function whyNotGiven(
  kept: { readonly by: Giver; readonly set: GivenSet } | undefined,
  by: Giver,
  { manager, generation }: GivenSet,
): 'held' | 'stale' | undefined {
  if (kept === undefined || (kept.by === 'admin' && by === 'manager')) return undefined
  const { set } = kept
  if (kept.by !== by || (by === 'manager' && set.manager !== manager)) return 'held'
  return generation < set.generation ? 'stale' : undefined
}

/** Who calls: the key that he shows says it, and not the body. */
export const giverOf = ({ principal }: { readonly principal: { readonly name: string } }): Giver =>
  principal.name === 'manager' ? 'manager' : 'admin'
