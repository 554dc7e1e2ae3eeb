import { appError, isCidr, networkRule } from '../../base/index.ts'

/** Whether a host may be a peer. */
export type HostRule = (host: string) => boolean

/**
 * Allows only hosts inside one of the CIDRs (`10.0.0.0/8`, `fd00::/8`); without a list, everybody. @throws
 * CONFIG_INVALID
 */
export function allowedPeers(cidrs: readonly string[] | undefined): HostRule {
  if (cidrs === undefined) return () => true
  const rule = networkRule(cidrs)
  if (rule !== undefined) return rule
  const wrong = cidrs.find((cidr) => !isCidr(cidr))
  throw appError('CONFIG_INVALID', { message: `allowed peers must be CIDRs such as 10.0.0.0/8, not ${wrong}` })
}
