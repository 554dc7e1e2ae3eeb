import type { IncomingMessage } from 'node:http'
import { type AppError, hasCode, remoteAddressOf } from '../base/index.ts'
import { credentialsIn, type Principal } from '../identity/index.ts'
import type { AuditTrail } from '../telemetry/index.ts'
import type { Exchange, Route } from './route.ts'
import type { Visit } from './visit.ts'

/** Most characters of a path in a line. */
const MAX_PATH_TOLD = 256
const CLIENT_GONE = 499

/** The codes of those who may not, whatever they ask for. */
const refusalCodes = ['UNAUTHORIZED', 'DENIED', 'CROSS_SITE', 'HOST_UNKNOWN'] as const

const pathTold = (path: string) => path.slice(0, MAX_PATH_TOLD)

/** What is known of the caller; a wrong secret is not shown. */
function callerOf(req: IncomingMessage, principal: Pick<Principal, 'name' | 'shown'> | undefined) {
  const { name = 'anonymous', shown } = principal ?? {}
  const isWrong =
    name === 'anonymous' && shown === undefined && credentialsIn(req.headers.authorization).kind !== 'none'
  const who = isWrong ? 'wrong credentials' : name
  return { who, from: remoteAddressOf(req.socket) ?? 'unknown' }
}

/** Tells, once it has ended, what an admin has done. */
export function noteAction(trail: AuditTrail, { req, res, path, rawQuery, principal, requestId }: Exchange): void {
  const asked = rawQuery === '' ? path : `${path}?${rawQuery}`
  const facts = { ...callerOf(req, principal), what: `${req.method} ${pathTold(asked)}`, requestId }
  res.once('close', () => trail.acted({ ...facts, outcome: res.headersSent ? res.statusCode : CLIENT_GONE }))
}

/** Tells, once it has ended, when it has changed something. The query is left out: it carries what continues an upload. */
export function noteChange(
  trail: AuditTrail,
  { req, res, path, principal, requestId }: Exchange,
  changes: NonNullable<Route['changes']>,
): void {
  const { method = '' } = req
  res.once('close', () => {
    if (!res.headersSent || !changes(method, res.statusCode)) return
    const digest = res.getHeader('docker-content-digest')
    const facts = { ...callerOf(req, principal), what: `${method} ${pathTold(path)}`, requestId }
    trail.changed({ ...facts, outcome: res.statusCode, ...(typeof digest === 'string' && { digest }) })
  })
}

/** Tells that the caller will be answered as if nothing were there. */
export function noteHidden(trail: AuditTrail, { req, method, path, principal, requestId }: Exchange): void {
  trail.refused({ ...callerOf(req, principal), what: `${method} ${pathTold(path)}`, outcome: 'HIDDEN', requestId })
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
