import { appError, type LinearPattern, linearPattern, type NetworkRule, networkRule } from '../../../lib/base/index.ts'

/** Whom a cluster is for. */
export interface Scopes {
  readonly cidrs: readonly string[]
  /** Names; a `*` at the end stands for any more characters. */
  readonly zones: readonly string[]
  /** Regular expressions of a simple kind, which no text makes slow. */
  readonly hosts: readonly string[]
}

/** Some of them. */
export type SomeScopes = { readonly [Kind in keyof Scopes]?: Scopes[Kind] | undefined }

export const noScopes: Scopes = { cidrs: [], zones: [], hosts: [] }

/** A network, and how narrow it is: bits of an IPv6 network, in which an IPv4 network counts as the one that holds it. */
interface Network {
  readonly cidr: string
  readonly bits: number
  readonly holds: NetworkRule
}

interface HostPattern {
  readonly text: string
  readonly pattern: LinearPattern
}

/** Scopes that can be asked. */
export interface CompiledScopes {
  /** The narrow ones first. */
  readonly networks: readonly Network[]
  readonly hosts: readonly HostPattern[]
  readonly zones: readonly string[]
}

/** Bits that an IPv6 address has besides those of the IPv4 address in it. */
const MAPPED_BITS = 96

const invalid = (message: string, cause?: unknown) => appError('SCOPE_INVALID', { message, cause })

function networkOf(cidr: string): Network {
  const holds = networkRule([cidr])
  if (holds === undefined) throw invalid(`${JSON.stringify(cidr)} is no network; write it like 10.0.0.0/8`)
  return { cidr, bits: Number(cidr.split('/')[1]) + (cidr.includes(':') ? 0 : MAPPED_BITS), holds }
}

function hostOf(text: string): HostPattern {
  try {
    return { text, pattern: linearPattern(text) }
  } catch (err) {
    throw invalid(`${JSON.stringify(text)} is no pattern of host names that this manager takes`, err)
  }
}

function zoneOf(text: string): string {
  if (/^[^*]+\*?$/.test(text)) return text
  throw invalid(`${JSON.stringify(text)} is no zone; a * may stand at its end`)
}

const narrowFirst = (a: Network, b: Network) => b.bits - a.bits || (a.cidr < b.cidr ? -1 : 1)

/** @throws SCOPE_INVALID and names what makes no sense */
export function compileScopes({ cidrs, zones, hosts }: Scopes): CompiledScopes {
  return {
    networks: cidrs.map(networkOf).toSorted(narrowFirst),
    hosts: hosts.map(hostOf),
    zones: zones.map(zoneOf),
  }
}

export const zoneFits = (scope: string, zone: string): boolean =>
  scope.endsWith('*') ? zone.startsWith(scope.slice(0, -1)) : zone === scope
