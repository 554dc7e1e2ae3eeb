import {
  type SecretName,
  type SecretProver,
  type Secrets,
  secretNames,
  secretProver,
  secretsFor,
} from '../../lib/identity/index.ts'
import { serviceFacts, serviceKinds } from '../../lib/service/index.ts'

type Given = Readonly<Partial<Record<SecretName, string>>>

/** A secret for each kind of caller. */
export const everySecret = {
  read: 'the-secret-of-readers',
  push: 'the-secret-of-pushers',
  node: 'the-secret-of-nodes',
  service: 'the-secret-of-services',
  peering: 'the-secret-of-other-clusters',
  adminRead: 'the-secret-of-watchers',
  admin: 'the-secret-of-admins',
} as const satisfies Given

/** What a program that accepts these secrets keeps of them. */
export const accepting = (given: Given): Secrets =>
  secretsFor(
    { accepts: secretNames },
    Object.fromEntries(Object.entries(given).map(([name, value]) => [name, [value]])),
  )

/** Proves that it knows `secret`. */
export function proverOf(secret: string): SecretProver {
  const prover = secretProver([secret])
  if (prover === undefined) throw new Error('a secret is given')
  return prover
}

/** Overrides of a herd that give each service those of the secrets that it has a use for. */
export const secretOverrides = (given: Given = everySecret): readonly string[] =>
  serviceKinds.flatMap((kind) => {
    const { accepts, shows, proves } = serviceFacts(kind).secrets
    const names = secretNames.filter((name) => [...accepts, shows, proves].includes(name))
    return names.flatMap((name) => (given[name] === undefined ? [] : [`${kind}.secrets.${name}=${given[name]}`]))
  })
