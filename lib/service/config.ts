import { z } from 'zod'
import { anonymousRights, clusterToken, duration, hostName, listenerOn, logLevel, memberList } from '../config/index.ts'
import { type ListenerName, type ServiceKind, serviceFacts } from './service-table.ts'

/** Keys that every service has; spread into its schema. */
export const commonKeys = {
  log: logLevel.default('info'),
  /** The cluster token; services send it to each other, and listeners require it. */
  token: clusterToken.exactOptional(),
  /** What callers without the token may do. Default: everything when there is no token, else nothing. */
  anonymous: anonymousRights.exactOptional(),
  /** Names that requests may call the listeners by besides loopback, their bind, and the members of the rings. */
  hosts: z.array(hostName).default([]),
  /** Longest time that a stop waits for answers under way. */
  drain: duration.prefault('10s'),
}

const defaultAddress = (kind: ServiceKind, listener: string) =>
  `127.0.0.1:${serviceFacts(kind).listeners[listener]?.port ?? 'auto'}`

/** The config key of a listener; its default port comes from the table of services. */
export const listenerOf = <K extends ServiceKind>(kind: K, listener: ListenerName<K>) =>
  listenerOn(defaultAddress(kind, listener))

const onePlace = (kind: ServiceKind) =>
  memberList.prefault([{ id: `${serviceFacts(kind).name}-1`, url: `http://${defaultAddress(kind, 'http')}` }])

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

type Ring = Readonly<{ members: readonly { readonly url: string }[] }>

/** What listeners look at in a config: the keys of all services, and the rings that this one has. */
export type ListeningConfig = CommonConfig & { readonly [Name in keyof typeof rings]?: Ring }

export type CommonConfig = z.output<z.ZodObject<typeof commonKeys>>
export type ListenerConfig = z.output<ReturnType<typeof listenerOn>>

/** The config schema of a service: the common keys and the service's own keys. */
export type ServiceSchema = z.ZodType<CommonConfig>

/** The config that a schema parses to. */
export type ConfigOf<S extends ServiceSchema> = z.output<S>
