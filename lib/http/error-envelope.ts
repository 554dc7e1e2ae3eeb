import { STATUS_CODES } from 'node:http'
import { type AppError, type ErrorCode, errorTable, isRegistryCode } from '../base/index.ts'
import { type Headers, PLAIN_TEXT } from './answers.ts'

/**
 * `own`: `{"error":{...}}`; `registry`: the OCI form `{"errors":[{...}]}`, which has only codes of the OCI spec; `text`:
 * plain text, for people and for clients that look at the status alone.
 */
export type Envelope = 'own' | 'registry' | 'text'

/**
 * What the client made wrong, and is not to repeat, is UNSUPPORTED or DENIED: docker repeats whatever has another code, up to
 * five times. Temporary failures are UNAVAILABLE. Nothing but our own faults is UNKNOWN.
 */
const registryCodeByStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'UNSUPPORTED',
  401: 'UNAUTHORIZED',
  403: 'DENIED',
  404: 'NAME_UNKNOWN',
  405: 'UNSUPPORTED',
  407: 'UNAUTHORIZED',
  408: 'UNAVAILABLE',
  409: 'DENIED',
  412: 'DENIED',
  413: 'SIZE_INVALID',
  415: 'UNSUPPORTED',
  416: 'RANGE_INVALID',
  417: 'UNSUPPORTED',
  421: 'DENIED',
  422: 'UNSUPPORTED',
  429: 'TOOMANYREQUESTS',
  431: 'UNSUPPORTED',
  499: 'UNAVAILABLE',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'UNAVAILABLE',
  507: 'UNAVAILABLE',
  508: 'DENIED',
}

/** Codes whose status alone would mean something else to a registry client. */
const registryCodeByCode: Partial<Readonly<Record<ErrorCode, ErrorCode>>> = {
  REFERRERS_UNSUPPORTED: 'UNSUPPORTED',
  UPLOAD_CONFLICT: 'BLOB_UPLOAD_INVALID',
}

/** The code for a registry client: the error's own code if the OCI spec has it, else the nearest one. */
export function registryCodeOf({ code, status }: Pick<AppError, 'code' | 'status'>): ErrorCode {
  if (isRegistryCode(code)) return code
  const isClash = status === 409 && errorTable[code].retryable
  return registryCodeByCode[code] ?? (isClash ? 'UNAVAILABLE' : (registryCodeByStatus[status] ?? 'UNKNOWN'))
}

/** The code of an error between our services, also where an answer has no body: to HEAD. */
export const CODE_HEADER = 'x-shoal-code'

/** The media type of RFC 9457. */
const PROBLEM = 'application/problem+json'

/** Whether a client names the form of RFC 9457 in its `Accept`; to take anything is not to ask for it. */
const asksForProblem = (accept: string | undefined): boolean =>
  accept?.split(',').some((each) => {
    const [type = '', ...parameters] = each.split(';').map((part) => part.trim().toLowerCase())
    return type === PROBLEM && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))
  }) === true

/** What is wrong is so at this moment, and for this caller: nobody keeps it. */
const ofNow = (code: ErrorCode): Headers => ({ [CODE_HEADER]: code, 'cache-control': 'no-store' })

/** The body of an error answer with its headers; `accept` is that of the request. */
export function errorAnswer(
  err: AppError,
  envelope: Envelope,
  accept?: string,
): { readonly headers: Headers; readonly body: Uint8Array } {
  if (envelope === 'own' && asksForProblem(accept)) {
    return { headers: { 'content-type': PROBLEM, ...ofNow(err.code) }, body: problem(err) }
  }
  if (envelope === 'text') return { headers: PLAIN_TEXT, body: Buffer.from(`${err.code}: ${err.message}`) }
  const headers = { 'content-type': 'application/json', ...(envelope === 'own' && ofNow(err.code)) }
  return { headers, body: Buffer.from(JSON.stringify(jsonBody(err, envelope))) }
}

/** The code says which problem it is; so the type is that of those who have no page for each (RFC 9457, 4.2.1). */
function problem({ code, message, detail, status }: AppError): Uint8Array {
  const title = STATUS_CODES[status] ?? 'Error'
  const facts = {
    type: 'about:blank',
    title,
    status,
    detail: message,
    code,
    ...(detail !== undefined && { facts: detail }),
  }
  return Buffer.from(JSON.stringify(facts))
}

/** A code that is not in the OCI spec goes into `detail.code`. */
function jsonBody(err: AppError, envelope: Exclude<Envelope, 'text'>): unknown {
  const { code, message, detail } = err
  if (envelope === 'own') return { error: { code, message, ...(detail !== undefined && { detail }) } }
  const shown = registryCodeOf(err)
  const facts = shown === code ? detail : { ...detail, code }
  return { errors: [{ code: shown, message, ...(facts !== undefined && { detail: facts }) }] }
}
