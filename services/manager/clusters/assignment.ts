import { type CompiledScopes, zoneFits } from './scopes.ts'

/** Who asks for a cluster. */
export interface Asker {
  readonly address?: string | undefined
  readonly zone?: string | undefined
  readonly host?: string | undefined
}

/** A cluster that may be assigned. */
export interface Candidate {
  readonly name: string
  readonly scopes: CompiledScopes
  readonly isDefault: boolean
  /** Why nobody can be sent there; undefined: it answers. */
  readonly away?: string | undefined
}

/** A cluster that fits, and why. */
export interface Fit<C extends Candidate> {
  readonly cluster: C
  readonly points: number
  readonly why: readonly string[]
}

export interface Assignment<C extends Candidate> {
  /** The best first. */
  readonly fits: readonly Fit<C>[]
  /** Those that would fit and do not answer, in the same order. */
  readonly passed: readonly { readonly name: string; readonly why: string }[]
}

/** What a match is worth: the weights that people know of Dragonfly's manager, in hundredths. */
const POINTS = { address: 30, host: 30, zone: 25, default: 1 } as const

interface Scored {
  readonly points: number
  /** Of the network that the address is in. */
  readonly bits: number
  readonly why: readonly string[]
}

function scoreOf({ scopes, isDefault }: Candidate, { address, zone, host }: Asker): Scored {
  const why: string[] = []
  let points = 0
  const count = (worth: number, words: string) => {
    points += worth
    why.push(`${words} (${worth})`)
  }
  const network = address === undefined ? undefined : scopes.networks.find(({ holds }) => holds(address))
  if (network !== undefined) count(POINTS.address, `address ${address} is in ${network.cidr}`)
  const named = host === undefined ? undefined : scopes.hosts.find(({ pattern }) => pattern.fits(host))
  if (named !== undefined) count(POINTS.host, `host ${host} fits ${named.text}`)
  const near = zone === undefined ? undefined : scopes.zones.find((scope) => zoneFits(scope, zone))
  if (near !== undefined) count(POINTS.zone, `zone ${zone} fits ${near}`)
  if (isDefault) count(POINTS.default, 'it is the default')
  return { points, bits: network?.bits ?? 0, why }
}

/**
 * The clusters that fit, in order: most points first, then the narrowest network, then the name. Who fits no scope gets
 * the default. The same question has the same answer at every manager. Pure.
 */
export function assign<C extends Candidate>(clusters: readonly C[], asker: Asker): Assignment<C> {
  const scored = clusters.map((cluster) => ({ cluster, ...scoreOf(cluster, asker) })).filter(({ points }) => points > 0)
  const ordered = scored.toSorted(
    (a, b) => b.points - a.points || b.bits - a.bits || (a.cluster.name < b.cluster.name ? -1 : 1),
  )
  return {
    fits: ordered
      .filter(({ cluster }) => cluster.away === undefined)
      .map(({ cluster, points, why }) => ({ cluster, points, why })),
    passed: ordered.flatMap(({ cluster: { name, away } }) => (away === undefined ? [] : [{ name, why: away }])),
  }
}
