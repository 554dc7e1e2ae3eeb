import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { type Component, componentFacts } from './component.ts'
import { type Place, serviceHost } from './configs.ts'

const DAY_MS = 24 * 60 * 60_000
export const AUTHORITY_LIFE_MS = 20 * 365 * DAY_MS
/** Pods read new certificates while they run. */
export const LEAF_LIFE_MS = 90 * DAY_MS
/** Clocks of others may be behind. */
export const EARLY_MS = 60 * 60_000

/** The names by which a component is called. */
export const hostsOf = (component: Component, place: Place, further: readonly string[]): readonly string[] => {
  const service = serviceHost(component, place)
  return [...new Set([service, `*.${service}`, `${componentFacts[component].name}.${place.namespace}.svc`, ...further])]
}

const namesIn = ({ subjectAltName = '' }: X509Certificate): readonly string[] =>
  subjectAltName.split(', ').map((name) => name.replace(/^(?:DNS|IP Address):/, ''))

/** Why a certificate has to be made anew; undefined: it is good. It is renewed when a third of its life is left. */
export function certificateTrouble(
  pem: string,
  {
    authority,
    hosts,
    nowMs,
  }: { readonly authority: string; readonly hosts: readonly string[]; readonly nowMs: number },
): string | undefined {
  const [own, above] = [read(pem), read(authority)]
  if (own === undefined || above === undefined) return 'it cannot be read'
  if (!own.checkIssued(above) || !own.verify(above.publicKey)) return 'it is of another authority'
  if (Date.parse(own.validTo) - nowMs < LEAF_LIFE_MS / 3) return 'it ends soon'
  const names = new Set(namesIn(own))
  // An address has more than one form.
  const isNamed = (host: string) => (isIP(host) === 0 ? names.has(host) : own.checkIP(host) !== undefined)
  return names.size === new Set(hosts).size && hosts.every(isNamed) ? undefined : 'it names other hosts'
}

function read(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}
