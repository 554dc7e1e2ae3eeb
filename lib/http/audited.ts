import type { IncomingMessage } from 'node:http'
import { type AppError, hasCode } from '../base/index.ts'
import type { Principal } from '../identity/index.ts'
import type { AuditTrail } from '../telemetry/index.ts'
import type { Exchange } from './route.ts'
import type { Visit } from './visit.ts'

/** Most characters of a path in a line. */
const MAX_PATH_TOLD = 256
const CLIENT_GONE = 499

/** The codes of those who may not, whatever they ask for. */
const refusalCodes = ['UNAUTHORIZED', 'DENIED', 'CROSS_SITE', 'HOST_UNKNOWN'] as const

const pathTold = (path: string) => path.slice(0, MAX_PATH_TOLD)

/** What is known of the caller; a wrong secret is not shown. */
function callerOf(req: IncomingMessage, principal: Pick<Principal, 'name'> | undefined) {
  const name = principal?.name ?? 'anonymous'
  const who = name === 'anonymous' && req.headers.authorization !== undefined ? 'wrong credentials' : name
  return { who, from: req.socket.remoteAddress ?? 'unknown' }
}

/** Tells, once it has ended, what an admin has done. */
export function noteAction(trail: AuditTrail, { req, res, path, rawQuery, principal, requestId }: Exchange): void {
  const asked = rawQuery === '' ? path : `${path}?${rawQuery}`
  const facts = { ...callerOf(req, principal), what: `${req.method} ${pathTold(asked)}`, requestId }
  res.once('close', () => trail.acted({ ...facts, outcome: res.headersSent ? res.statusCode : CLIENT_GONE }))
}

/** Tells when an error is the refusal of a right. The query is left out: callers put secrets there. */
export function noteRefusal(
  trail: AuditTrail,
  { req, visit, path }: { readonly req: IncomingMessage; readonly visit: Visit; readonly path: string | undefined },
  err: AppError,
): void {
  if (!hasCode(err, ...refusalCodes)) return
  const caller = callerOf(req, visit.principal)
  const what = `${req.method} ${pathTold(path ?? '')}`
  // Every client of a registry asks without a secret first.
  const mild = err.code === 'UNAUTHORIZED' && caller.who === 'anonymous'
  trail.refused({ ...caller, what, outcome: err.code, requestId: visit.requestId }, { mild })
}
