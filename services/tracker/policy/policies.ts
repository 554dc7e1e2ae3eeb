import { completeness } from './completeness.ts'
import type { PeerOrder } from './peer-order.ts'

/** Every policy that a tracker's config can name. Each policy is in the file of its name. */
export const policies = { completeness } as const satisfies Readonly<Record<string, PeerOrder>>

export type PolicyName = keyof typeof policies

export const policyNames = Object.keys(policies) as readonly PolicyName[]
