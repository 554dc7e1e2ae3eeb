import type { ManagerCall, ManagerNeed } from '../../lib/api/index.ts'
import { appError } from '../../lib/base/index.ts'
import type { Exchange, Route } from '../../lib/http/index.ts'
import type { Principal } from '../../lib/identity/index.ts'

const fits = (given: string, wanted: string) => given === '*' || given === wanted
/** Whoever may write may read, too. */
const allows = (given: string, wanted: string) => fits(given, wanted) || given === 'write'

/** Whether the caller has what a route needs: by a secret of admins, or by what a user or a token may. */
export function hasNeed({ rights, grants }: Principal, needs: ManagerNeed): boolean {
  if (needs === 'none' || rights.includes('admin')) return true
  const looks = rights.includes('inspect')
  if (needs === 'self') return looks || grants !== undefined
  if (looks && needs.action === 'read') return true
  return (grants ?? []).some((each) => fits(each.resource, needs.resource) && allows(each.action, needs.action))
}

/** Of answers that hold secrets, or what moves. */
export const UNKEPT = { 'cache-control': 'no-store' }

/** Where other programs take tokens in a query. */
const TOKEN_KEYS = ['access_token', 'token']

/** The manager's route for a call, which nobody may call who lacks what it needs. */
export const managerRoute = ({ method, path, summary, needs }: ManagerCall, handle: Route['handle']): Route => ({
  ...{ methods: [method], path, summary },
  // Neither a browser nor something in front of us keeps what was told to one caller, unless the answer itself says how.
  handle(exchange) {
    exchange.res.setHeader('cache-control', UNKEPT['cache-control'])
    return handle(exchange)
  },
  // Tells the log what to note; `admits` decides.
  right: needs === 'none' ? 'none' : method === 'GET' ? 'inspect' : 'admin',
  admits({ principal, query }: Exchange) {
    if (TOKEN_KEYS.some((key) => query.has(key))) throw appError('TOKEN_IN_URL')
    if (!hasNeed(principal, needs)) throw appError(principal.name === 'anonymous' ? 'UNAUTHORIZED' : 'DENIED')
    return 'admitted'
  },
})
