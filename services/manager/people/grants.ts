import { type Grant, managerResources, type RoleRow } from '../../../lib/api/index.ts'
import type { ManagerGrant } from '../../../lib/identity/index.ts'

/** Rights at a manager: an action on a kind of thing. Whoever may write may read, too; `*` stands for all. */
export type Grants = readonly ManagerGrant[]

const actions = ['read', 'write'] as const

const gives = ({ resource, action }: ManagerGrant, wanted: ManagerGrant): boolean =>
  (resource === '*' || resource === wanted.resource) &&
  (action === '*' || action === wanted.action || (action === 'write' && wanted.action === 'read'))

const allows = (grants: Grants, wanted: ManagerGrant) => grants.some((grant) => gives(grant, wanted))

/** Every single right that the grants give, in a fixed order. */
export const singleGrants = (grants: Grants): Grants =>
  managerResources.flatMap((resource) =>
    actions.map((action) => ({ resource, action })).filter((each) => allows(grants, each)),
  )

/** Whether `holder` has everything that `wanted` gives. */
export const covers = (holder: Grants, wanted: Grants): boolean =>
  singleGrants(wanted).every((each) => allows(holder, each))

/** What both of them give. */
export const commonGrants = (one: Grants, other: Grants): Grants =>
  singleGrants(one).filter((each) => allows(other, each))

/** The role that makes an admin: the last user who has it stays. */
export const ADMIN_ROLE = 'admin'

const worked = [
  ...(['clusters', 'members', 'assignments', 'jobs', 'schedules'] as const),
  ...(['settings', 'images', 'swarms'] as const),
] as const

/** The roles that come with the program. */
export const builtInRoles: readonly RoleRow[] = [
  { name: ADMIN_ROLE, what: 'everything', grants: [{ resource: '*', action: '*' }], builtIn: true },
  {
    name: 'operator',
    what: 'everything but people and rights',
    grants: [...worked.map((resource) => ({ resource, action: 'write' })), { resource: 'audit', action: 'read' }],
    builtIn: true,
  },
  {
    name: 'reader',
    what: 'looks, and changes nothing',
    grants: worked.map((resource) => ({ resource, action: 'read' })),
    builtIn: true,
  },
]

/** Grants in the one form in which they are stored. */
export const grantsText = (grants: readonly Grant[]): string => JSON.stringify(grants)
