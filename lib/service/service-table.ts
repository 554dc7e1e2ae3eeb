import type { SecretUse } from '../identity/index.ts'

/** Facts about one listener. */
export interface ListenerFacts {
  /** Dotted path of its key in the config of the service. */
  readonly key: string
  /** Default port of the first instance on a machine. */
  readonly port: number
  /** It is opened only when the config gives it an address. */
  readonly off?: true
}

/** Listeners that stand in a list of the config, each with a name of its own. */
export interface FurtherFacts {
  /** Dotted path of the list. */
  readonly key: string
  /** The listener of the service whose kind they are of. */
  readonly like: string
}

/** What other code may know about a service without importing it. */
export interface ServiceFacts {
  /** The name of its folder in `services` and in `config`, of its program, and in logs. */
  readonly name: string
  /** One line that describes the service to people. */
  readonly what: string
  readonly listeners: Readonly<Record<string, ListenerFacts>>
  readonly further?: FurtherFacts
  /** Which secrets it has, and what for; it cannot be given others. */
  readonly secrets: SecretUse
}

/**
 * Every service, in the order in which a cluster starts them. The keys are the names that `--set` of the herd uses. A
 * test fails when a service's config has a listener that is missing here.
 */
export const serviceTable = {
  buildIndex: {
    name: 'build-index',
    what: 'knows repositories: tags, manifests and their blobs',
    listeners: {
      http: { key: 'http', port: 62_001 },
      ops: { key: 'ops', port: 62_003 },
      admin: { key: 'admin', port: 62_004 },
      kraken: { key: 'kraken', port: 62_005, off: true },
    },
    secrets: { accepts: ['node', 'service', 'peering', 'adminRead', 'admin'], shows: 'service' },
  },
  tracker: {
    name: 'tracker',
    what: 'knows who has what, and relays metainfo',
    listeners: {
      http: { key: 'http', port: 63_001 },
      ops: { key: 'ops', port: 63_003 },
      admin: { key: 'admin', port: 63_004 },
    },
    secrets: { accepts: ['node', 'service', 'adminRead', 'admin'], shows: 'service' },
  },
  origin: {
    name: 'origin',
    what: 'takes uploads, seeds blobs, reads and writes the backend',
    listeners: {
      http: { key: 'http', port: 64_001 },
      peer: { key: 'peer', port: 64_002 },
      ops: { key: 'ops', port: 64_003 },
      admin: { key: 'admin', port: 64_004 },
    },
    secrets: { accepts: ['node', 'service', 'peering', 'adminRead', 'admin'], shows: 'service', proves: 'node' },
  },
  agent: {
    name: 'agent',
    what: 'serves pulls on its node, and exchanges pieces with the others',
    listeners: {
      registry: { key: 'registry.listener', port: 65_001 },
      peer: { key: 'peer', port: 65_002 },
      ops: { key: 'ops', port: 65_003 },
      admin: { key: 'admin', port: 65_004 },
      kraken: { key: 'kraken', port: 65_005, off: true },
    },
    further: { key: 'registry.listeners', like: 'registry' },
    secrets: { accepts: ['read', 'adminRead', 'admin'], shows: 'node', proves: 'node' },
  },
  proxy: {
    name: 'proxy',
    what: 'the registry that images are pushed to',
    listeners: {
      registry: { key: 'registry.listener', port: 5_000 },
      ops: { key: 'ops', port: 61_003 },
      admin: { key: 'admin', port: 61_004 },
      kraken: { key: 'kraken', port: 61_005, off: true },
    },
    secrets: { accepts: ['read', 'push', 'adminRead', 'admin'], shows: 'service' },
  },
  controller: {
    name: 'controller',
    what: 'looks after shoal in a Kubernetes cluster',
    listeners: {
      ops: { key: 'ops', port: 60_003 },
      admin: { key: 'admin', port: 60_004 },
    },
    secrets: { accepts: ['adminRead', 'admin'], shows: 'adminRead' },
  },
  manager: {
    name: 'manager',
    what: 'one place to steer clusters from',
    listeners: {
      http: { key: 'http', port: 59_001 },
      ops: { key: 'ops', port: 59_003 },
      admin: { key: 'admin', port: 59_004 },
    },
    secrets: { accepts: ['adminRead', 'admin'], shows: 'admin' },
  },
} as const satisfies Readonly<Record<string, ServiceFacts>>

export type ServiceKind = keyof typeof serviceTable

export type ListenerName<K extends ServiceKind = ServiceKind> = K extends ServiceKind
  ? keyof (typeof serviceTable)[K]['listeners'] & string
  : never

export const serviceKinds = Object.keys(serviceTable) as ServiceKind[]

/** The facts of one service, without the types of its listeners. */
export const serviceFacts = (kind: ServiceKind): ServiceFacts => serviceTable[kind]

/** Default ports of the first instance, by listener; those of listeners that are off by default only on demand. */
export function defaultPorts(
  kind: ServiceKind,
  { optional = false }: { readonly optional?: boolean | undefined } = {},
): Readonly<Record<string, number>> {
  const opened = Object.entries(serviceFacts(kind).listeners).filter(([, { off }]) => optional || off !== true)
  return Object.fromEntries(opened.map(([name, { port }]) => [name, port]))
}
