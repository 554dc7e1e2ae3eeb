import type { ControlPlaneSpec } from '../resource/config.ts'
import { type Component, componentFacts, portOf } from './component.ts'
import { amountOf } from './quantity.ts'

/** Secrets of an account, made once. */
export interface Tokens {
  readonly node: string
  readonly service: string
  readonly adminRead: string
  readonly admin: string
  /** Second values, while one replaces the other. */
  readonly also: Readonly<Partial<Record<TokenName, string>>>
}

export const tokenNames = ['node', 'service', 'adminRead', 'admin'] as const satisfies readonly (keyof Tokens)[]
export type TokenName = (typeof tokenNames)[number]

/** As the config of a service has it: the one that is shown, and the other that counts as well. */
export const valuesOf = (tokens: Tokens, name: TokenName): readonly string[] => {
  const also = tokens.also[name]
  return also === undefined ? [tokens[name]] : [tokens[name], also]
}

/** What lets the components into the backend. */
export interface BackendKeys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

/** Where an account is in the cluster. */
export interface Place {
  readonly namespace: string
  /** The domain of the cluster's own DNS. */
  readonly domain: string
}

/** Share of the volume of an origin that its blobs may take; the rest is for its journal and for uploads. */
const STORE_SHARE = 0.9
const MOST_OWNERS = 2
const FILES = '/etc/shoal'

/** Paths within a container. */
export const paths = {
  config: `${FILES}/config`,
  secrets: `${FILES}/secrets`,
  tls: `${FILES}/tls`,
  data: '/var/lib/shoal',
} as const

/** The name of the headless Service of a component, as every pod resolves it. */
export const serviceHost = (component: Component, { namespace, domain }: Place): string =>
  `${componentFacts[component].name}.${namespace}.svc.${domain}`

const membersOf = (component: Component, place: Place) => ({
  members: { dns: { name: `_http._tcp.${serviceHost(component, place)}`, scheme: 'https' } },
})

const listen = (component: Component, listener: string, more: object = {}) => ({
  bind: `0.0.0.0:${portOf(component, listener)}`,
  ...more,
})

/** The config file of a component, without anything secret. */
export function configOf(component: Component, spec: ControlPlaneSpec, place: Place): object {
  const rings = {
    origins: { ...membersOf('origin', place), replicas: Math.min(MOST_OWNERS, spec.origins.replicas) },
    trackers: membersOf('tracker', place),
    buildIndexes: membersOf('buildIndex', place),
  }
  const common = {
    http: listen(component, 'http'),
    // Probes of the kubelet, and Prometheus, have no certificate of the account; nothing secret is answered here.
    ops: listen(component, 'ops', { tls: 'off' }),
    admin: listen(component, 'admin'),
    hosts: [`*.${serviceHost(component, place)}`, serviceHost(component, place), ...spec.network.hosts],
    tls: { certificate: `${paths.tls}/tls.crt`, key: `${paths.tls}/tls.key`, authorities: [`${paths.tls}/ca.crt`] },
    // Balancers bring all clients from few addresses.
    addressShare: 1,
  }
  const { origins, trackers, buildIndexes } = rings
  if (component === 'tracker') return { ...common, origins, trackers, buildIndexes, folder: `${paths.data}/tracker` }
  if (component === 'buildIndex')
    return { ...common, origins, trackers, cluster: 'local', folder: `${paths.data}/build-index` }
  const capacity = Math.floor(amountOf(spec.origins.volume.size) * STORE_SHARE)
  return {
    ...common,
    ...{ origins, trackers, folder: `${paths.data}/origin`, store: { capacity } },
    // Agents without a certificate of the account prove that they know the secret of its nodes.
    peer: listen('origin', 'peer', { tls: 'optional' }),
  }
}

/** The bucket, as `backend` of a build-index and `backends[].backend` of an origin have it. */
function bucketOf({ backend }: ControlPlaneSpec, { accessKeyId, secretAccessKey, sessionToken }: BackendKeys): object {
  const { driver, bucket, region, endpoint, pathStyle, internal } = backend
  const common = { driver, bucket, region, ...(endpoint !== undefined && { endpoint }) }
  const keys = { accessKeyId, secretAccessKey }
  if (driver === 's3')
    return { ...common, pathStyle, credentials: { ...keys, ...(sessionToken !== undefined && { sessionToken }) } }
  return {
    ...common,
    network: internal ? 'internal' : 'public',
    credentials: { ...keys, ...(sessionToken !== undefined && { securityToken: sessionToken }) },
  }
}

/** The secrets file of a component: what it has a use for, and nothing else. */
export function secretsFileOf(
  component: Component,
  spec: ControlPlaneSpec,
  { tokens, keys }: { readonly tokens: Tokens; readonly keys: BackendKeys },
): object {
  const secrets = Object.fromEntries(tokenNames.map((name) => [name, valuesOf(tokens, name)]))
  if (component === 'tracker') return { secrets }
  if (component === 'buildIndex') return { secrets, backend: bucketOf(spec, keys) }
  return {
    secrets,
    backends: [{ repository: '*', durability: spec.durability, backend: bucketOf(spec, keys) }],
  }
}
