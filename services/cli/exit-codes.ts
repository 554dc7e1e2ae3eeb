/** What a tool exits with; docs/operations.md has a row for each. */
export const exitCodes = {
  done: 0,
  /** The service refused, or failed; the line on stderr has its code. */
  failed: 1,
  /** The command line is wrong; nothing was sent. */
  usage: 2,
  /** No service answers at the address. */
  unreachable: 3,
  /** The token is missing or wrong. */
  denied: 4,
} as const
