import { z } from 'zod'
import type { NamedMember } from '../cluster/index.ts'
import {
  anonymousRights,
  duration,
  hostName,
  listenerOn,
  logLevel,
  type MemberSources,
  membersOrSource,
  networkName,
  peerListenerOn,
  secretValues,
  tlsFiles,
  tracingKeys,
} from '../config/index.ts'
import { type SecretName, type Secrets, secretNames, secretsFor } from '../identity/index.ts'
import { type ListenerName, type ServiceKind, serviceFacts } from './service-table.ts'

/** Keys that every service has; spread into its schema. */
export const commonKeys = {
  log: logLevel.default('info'),
  /** What callers without a secret may do. Default: everything when there is no secret, else nothing. */
  anonymous: anonymousRights.exactOptional(),
  /** Names that requests may call the listeners by besides loopback, their bind, and the members of the rings. */
  hosts: z.array(hostName).default([]),
  /** The network that this process is in, by which it chooses among the addresses of others; default: none has a name. */
  network: networkName.exactOptional(),
  /** Share of a listener's connections that one address may have, unless it is one of this machine. */
  addressShare: z.number().gt(0).max(1).default(0.75),
  /** Longest time that a stop waits for answers under way. */
  drain: duration.prefault('10s'),
  /** What this process shows of itself when it speaks TLS, and whom it trusts; read again when the files change. */
  tls: tlsFiles,
  /** Where traces of pulls and pushes go, and how many. */
  tracing: tracingKeys,
}

const defaultAddress = (kind: ServiceKind, listener: string) =>
  `127.0.0.1:${serviceFacts(kind).listeners[listener]?.port ?? 'auto'}`

/** The config key of a listener; its default port comes from the table of services. */
export const listenerOf = <K extends ServiceKind>(kind: K, listener: ListenerName<K>) =>
  listenerOn(defaultAddress(kind, listener))

/** The config key of the listener for peers. */
export const peerListenerOf = (kind: ServiceKind) => peerListenerOn(defaultAddress(kind, 'peer'))

const onePlace = (kind: ServiceKind) =>
  membersOrSource.prefault([{ id: `${serviceFacts(kind).name}-1`, url: `http://${defaultAddress(kind, 'http')}` }])

/** The rings of a cluster, as every service that uses them has them in its config; the same in all services. */
export const rings = {
  origins: z
    .strictObject({
      members: onePlace('origin'),
      /** How many origins own each blob. */
      replicas: z.number().int().min(1).default(2),
    })
    .prefault({}),
  trackers: z.strictObject({ members: onePlace('tracker') }).prefault({}),
  buildIndexes: z.strictObject({ members: onePlace('buildIndex') }).prefault({}),
}

const secretKeys = (names: Iterable<SecretName>) =>
  Object.fromEntries([...names].map((name) => [name, secretValues.exactOptional()] as const))

const areDistinct = (values: readonly string[]) => new Set(values).size === values.length

/**
 * The secrets that a service shows, proves or accepts. A key for any other is unknown: a secret that a service has no use
 * for does not belong on its machine.
 */
export const secretsOf = (kind: ServiceKind) => {
  const { accepts, shows, proves } = serviceFacts(kind).secrets
  const names = secretNames.filter((name) => [...accepts, shows, proves].includes(name))
  return z
    .strictObject(secretKeys(names))
    .refine((given) => areDistinct(Object.values(given).flat()), 'two secrets, or both values of one, are the same')
    .transform((given) => secretsFor(serviceFacts(kind).secrets, given))
    .prefault({})
}

/** A list of members, or where they are named. */
export type MembersConfig = readonly NamedMember[] | MemberSources

export type CommonConfig = z.output<z.ZodObject<typeof commonKeys>> & { readonly secrets: Secrets }
type HttpListenerConfig = z.output<ReturnType<typeof listenerOn>>
/** A listener of any protocol; one for peers has no `clientCertificates`. */
export type ListenerConfig = Omit<HttpListenerConfig, 'clientCertificates'> &
  Partial<Pick<HttpListenerConfig, 'clientCertificates'>>

/** The config schema of a service: the common keys and the service's own keys. */
export type ServiceSchema = z.ZodType<CommonConfig>

/** The config that a schema parses to. */
export type ConfigOf<S extends ServiceSchema> = z.output<S>
