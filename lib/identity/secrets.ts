import { createHash, timingSafeEqual } from 'node:crypto'
import { type SecretProver, secretProver } from './peer-prover.ts'

/**
 * The secrets of a cluster, each for one kind of caller: clients that pull, clients that push, the nodes' agents, the
 * services that work together, other clusters that replicate to this one, those who only look at services, and admins.
 */
export const secretNames = ['read', 'push', 'node', 'service', 'peering', 'adminRead', 'admin'] as const
export type SecretName = (typeof secretNames)[number]

/** What a program does with secrets. It is given no others. */
export interface SecretUse {
  /** Callers of its HTTP listeners show one of these. */
  readonly accepts: readonly SecretName[]
  /** It shows this one to other services. */
  readonly shows?: SecretName
  /** It proves to peers that it knows this one, without telling it. */
  readonly proves?: SecretName
}

/** One secret that callers may show; only hashes of it are kept. */
export interface AcceptedSecret {
  readonly name: SecretName
  /** In constant time. */
  readonly matches: (presented: string) => boolean
}

/** The secrets of a program. Whoever prints them, or the config that they stand in, prints nothing of them. */
export interface Secrets {
  /** Whether it has any: then callers without one may do nothing unless the config says so. */
  readonly some: boolean
  readonly accepted: readonly AcceptedSecret[]
  /** The secret that it shows to other services. */
  readonly shown: (() => string) | undefined
  readonly prover: SecretProver | undefined
  /** Whether a text is any of them, also one that nobody shows here; in constant time. Undefined when there are none. */
  readonly includes: ((text: string) => boolean) | undefined
}

/** One value, or two while one replaces the other: the first is shown and proven, both are right. */
export type SecretValues = readonly string[]

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()

const matcher = (hashes: readonly Buffer[]) => (presented: string) => {
  const hash = sha256(presented)
  return hashes.filter((right) => timingSafeEqual(hash, right)).length > 0
}

const shower = ([first]: SecretValues): (() => string) | undefined => (first === undefined ? undefined : () => first)

/** What a program with that use keeps of the values. */
export function secretsFor(
  { accepts, shows, proves }: SecretUse,
  values: Readonly<Partial<Record<SecretName, SecretValues>>>,
): Secrets {
  const valuesOf = (name: SecretName | undefined) => (name === undefined ? [] : (values[name] ?? []))
  const accepted = accepts.filter((name) => valuesOf(name).length > 0)
  const all = Object.values(values).flat()
  return {
    some: all.length > 0,
    accepted: accepted.map((name) => ({ name, matches: matcher(valuesOf(name).map(sha256)) })),
    shown: shower(valuesOf(shows)),
    prover: secretProver(valuesOf(proves)),
    includes: all.length > 0 ? matcher(all.map(sha256)) : undefined,
  }
}
