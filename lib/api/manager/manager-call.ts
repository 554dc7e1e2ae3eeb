import type { z } from 'zod'
import type { AdminCall } from '../admin.ts'

/** The kinds of things that rights at a manager are about. */
export const managerResources = [
  ...(['users', 'roles', 'tokens', 'audit', 'clusters', 'members', 'assignments', 'jobs', 'schedules'] as const),
  ...(['settings', 'images', 'swarms', 'rights'] as const),
] as const
export type ManagerResource = (typeof managerResources)[number]

/** What somebody needs to call a route of a manager. */
export type ManagerNeed =
  | { readonly resource: ManagerResource; readonly action: 'read' | 'write' }
  /** Anybody who is signed in. */
  | 'self'
  /** Anybody. */
  | 'none'

/** One route of the API of a manager: as in an admin API, with what a caller needs for it. */
export interface ManagerCall<
  Path extends string = string,
  Query extends string = string,
  Answer = unknown,
  Body extends z.ZodType | undefined = z.ZodType | undefined,
> extends AdminCall<Path, Query, Answer, Body> {
  readonly needs: ManagerNeed
}

export type ManagerCalls = Readonly<Record<string, ManagerCall>>

/** Says what a call of `adminCall` or `adminStream` needs. */
export const managerCall = <const Call extends AdminCall>(
  needs: ManagerNeed,
  call: Call,
): Call & { readonly needs: ManagerNeed } => ({ ...call, needs })
