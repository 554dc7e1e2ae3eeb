import { isLoopback } from '../../lib/identity/index.ts'

const isLinkLocal = (host: string): boolean => /^169\.254\.|^fe[89ab][\da-f]:/i.test(host)

/**
 * Whether a peer at the address `to` may be named to one at `from`. Loopback and link-local addresses mean something
 * else elsewhere: whoever got them would connect to itself, or to what only it can reach.
 */
export function reaches(from: string, to: string): boolean {
  if (isLoopback(to)) return isLoopback(from)
  return !isLinkLocal(to) || isLinkLocal(from)
}
