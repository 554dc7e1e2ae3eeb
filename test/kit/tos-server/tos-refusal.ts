import type { OutgoingHttpHeaders } from 'node:http'
import { errorJson, type Fault } from '../http-faults.ts'

/** An error answer of the server; its parts throw it, and one place answers it. */
export class TosRefusal extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message = code) {
    super(message)
    this.status = status
    this.code = code
  }
}

/** The documented error body. */
export function refusalBody(code: string, message: string, requestId: string) {
  return { Code: code, Message: message, RequestId: requestId, HostId: 'emulator', EC: '0000-00000001' }
}

/** A fault that answers with a documented error, e.g. `tosFault(429, 'ExceedAccountQPSLimit')`. */
export function tosFault(status: number, code: string, headers: OutgoingHttpHeaders = {}): Fault {
  const requestId = `ordered-${code}`
  const body = refusalBody(code, 'ordered by the test', requestId)
  return errorJson(status, body, { 'x-tos-request-id': requestId, ...headers })
}
