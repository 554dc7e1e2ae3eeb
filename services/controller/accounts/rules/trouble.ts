import { type AppError, appError } from '../../../../lib/base/index.ts'
import type { ControlPlaneSpec } from '../resource/config.ts'
import { isWithin } from './cidr.ts'

/** Why an account cannot become as it is to be, as its conditions say it. */
export const troubleReasons = [
  'SpecInvalid',
  'NamespaceForeign',
  'NamespaceEnding',
  'CredentialsMissing',
  'SecretsMalformed',
  'LimitsTooSmall',
  'NetworkForbidden',
  'ImageMissing',
  'ApplyFailed',
  'RolloutStuck',
] as const
export type TroubleReason = (typeof troubleReasons)[number]

export interface Trouble {
  readonly reason: TroubleReason
  /** In words, for people. */
  readonly message: string
}

/** What stops the work on an account until somebody changes something. */
export const blocked = (reason: TroubleReason, message: string): AppError =>
  appError('ACCOUNT_BLOCKED', { message, detail: { reason } })

/** Networks of more addresses than this hold more than an account. */
const LEAST_PREFIX = { ipv4: 8, ipv6: 32 } as const
const leastOf = (cidr: string) => LEAST_PREFIX[cidr.includes(':') ? 'ipv6' : 'ipv4']

/** Why the annotations of an account cannot be set; undefined: they can. */
export function annotationTrouble({ network }: ControlPlaneSpec, allowed: readonly string[]): string | undefined {
  const other = Object.keys(network.annotations ?? {}).find((key) => !allowed.includes(key))
  return other === undefined
    ? undefined
    : `spec.network.annotations: ${other} is not among accounts.annotations of the controller`
}

/** Why the networks of an account cannot be allowed; undefined: they can. */
export function networkTrouble({ network }: ControlPlaneSpec, clusterNetworks: readonly string[]): string | undefined {
  const wide = network.allowedCidrs.find((cidr) => Number(cidr.split('/')[1]) < leastOf(cidr))
  if (wide !== undefined) return `spec.network.allowedCidrs: ${wide} is wider than /${leastOf(wide)}`
  const inner = network.allowedCidrs.find((cidr) => clusterNetworks.some((own) => isWithin(cidr, own)))
  if (inner !== undefined)
    return `spec.network.allowedCidrs: ${inner} is a network of this cluster, where other accounts are`
  if (network.loadBalancer && network.allowedCidrs.length === 0)
    return 'spec.network.loadBalancer needs spec.network.allowedCidrs: without them it would be open to everybody'
  return undefined
}
