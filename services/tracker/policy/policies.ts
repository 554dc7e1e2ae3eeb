import type { LiveValues } from '../../../lib/api/index.ts'
import { adaptive } from './adaptive.ts'
import { completeness } from './completeness.ts'
import type { PeerOrder } from './peer-order.ts'
import { topology } from './topology.ts'

export type PolicyName = LiveValues<'tracker'>['policy']

/** Every policy that a tracker's config can name. Each policy is in the file of its name. */
export const policies = { completeness, topology, adaptive } as const satisfies Readonly<Record<PolicyName, PeerOrder>>

/** Whether the policy is given more peers of the asker's own zone than of the others. */
export const looksAtZones = (name: PolicyName): boolean => name !== 'completeness'
