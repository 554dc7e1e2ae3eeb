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
} as const
