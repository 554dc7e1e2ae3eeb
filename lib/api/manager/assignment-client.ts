import type { AbortOptions } from '../../base/index.ts'
import type { HttpClient } from '../../http/index.ts'
import { sendForJson } from '../answer.ts'
import { query } from '../path.ts'
import { type AssignmentAnswer, assignmentSchema, memberCalls } from './members.ts'

const { path } = memberCalls.assignment

/** Who asks; its address is that of the socket. */
export interface AssignmentAsker {
  readonly zone?: string | undefined
  readonly host?: string | undefined
  /** A join token of any cluster. */
  readonly token: string | undefined
}

/**
 * Asks one manager for a cluster.
 * @throws ASSIGNMENT_NONE, JOIN_REFUSED, UNAUTHORIZED, TOOMANYREQUESTS, and the errors of the HTTP client
 */
export function askAssignment(
  http: HttpClient,
  url: string,
  { zone, host, token }: AssignmentAsker,
  { signal }: AbortOptions = {},
): Promise<AssignmentAnswer> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const asked = query({ zone, host })
  return sendForJson(http, { method: 'GET', url: url + path + asked, headers, signal }, { schema: assignmentSchema })
}
