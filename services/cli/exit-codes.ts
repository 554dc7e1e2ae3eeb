import { codeOf, hasCode } from '../../lib/base/index.ts'

/** Exit codes of the tools; docs/operations.md has a row for each. */
export const exitCodes = {
  done: 0,
  /** The service refused the call or failed; the line on stderr names the error code. */
  failed: 1,
  /** The command line is wrong; no request was sent. */
  usage: 2,
  /** No service answers at the address. */
  unreachable: 3,
  /** The secret is missing or wrong. */
  denied: 4,
  /** Nobody has what was to be fetched, or the image has no such file. */
  notFound: 5,
  /** What lies at a path of an image is no file: a folder, a device, links in a circle. */
  notAFile: 6,
  /** An image is larger than what is read of it. */
  tooLarge: 7,
  /** A signal ended it, as shells count it for Ctrl-C. */
  interrupted: 130,
} as const

/** The exit code for what a call of a service failed with. */
export function exitCodeOf(err: unknown): number {
  if (hasCode(err, 'CONFIG_INVALID')) return exitCodes.usage
  if (hasCode(err, 'PEER_CLOSED', 'TLS_UNTRUSTED', 'REQUEST_TIMEOUT')) return exitCodes.unreachable
  if (hasCode(err, 'NOT_A_FILE', 'LINK_LOOP')) return exitCodes.notAFile
  if (hasCode(err, 'IMAGE_TOO_LARGE')) return exitCodes.tooLarge
  return hasCode(err, 'UNAUTHORIZED', 'DENIED') ? exitCodes.denied : exitCodes.failed
}

/** Why a tool failed, in one line: the code and what it says. */
export function failureText(err: unknown): string {
  const text = typeof err === 'object' && err !== null && 'message' in err ? String(err.message) : String(err)
  return `${codeOf(err) ?? 'UNKNOWN'}: ${text}`
}
