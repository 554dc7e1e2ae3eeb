import { appError, lifecycle, type Startable } from '../base/index.ts'
import {
  bodyBudgets,
  type Envelope,
  type Forward,
  type HttpServer,
  type HttpServerInit,
  httpServer,
  type ListenerTls,
  type LoadLimits,
  type Route,
} from '../http/index.ts'
import {
  type AnonymousRights,
  type Authenticate,
  type Identify,
  type Principal,
  type Shown,
  secretAuthenticator,
} from '../identity/index.ts'
import { balancersOf } from './balancers.ts'
import type { CommonConfig, ListenerConfig } from './config.ts'
import { connectionRoom, fewOpenFiles } from './connection-room.ts'
import { assertSafeListeners, type OpenListener, openListeners, speechOf } from './listeners.ts'
import { memberChecks, memberGate } from './member-gate.ts'
import { type MissingNow, missingNow, opsRoutes, type ReadinessChecks } from './ops-routes.ts'
import type { Runtime } from './runtime.ts'
import type { ServiceCluster } from './service-cluster.ts'
import { serviceState } from './service-state.ts'
import type { ListenerName, ServiceKind } from './service-table.ts'

/** What a listener serves. */
export interface ListenerInit {
  readonly routes: readonly Route[]
  /** Routes that say whether the service can serve, as `/readyz` does; default none. */
  readonly probes?: (missing: MissingNow) => readonly Route[]
  readonly envelope?: Envelope
  /** Rights of callers without a secret on this listener; default: those in the config. */
  readonly anonymous?: AnonymousRights
  /** Whether callers show now what they log in with elsewhere: what is none of our secrets then counts as nothing. Default: never. */
  readonly foreignLogIns?: () => boolean
  /** Knows callers who show something else than a secret; default: there are none. */
  readonly identify?: Identify | undefined
  /** Paths to which pages of other sites may lead a browser; default: none. */
  readonly pages?: HttpServerInit['pages']
  /** Limits of what keeps its connections busy; default none. */
  readonly load?: LoadLimits | undefined
  /** Takes what is for hosts elsewhere; default: it is no proxy. */
  readonly forward?: Forward | undefined
}

/**
 * The listeners that carry the service's own routes. Not `ops`, whose routes are the same everywhere, nor `peer`, which
 * has no routes.
 */
type OwnListener<K extends ServiceKind> = Exclude<ListenerName<K>, 'ops' | 'peer'>

/** Who steers the service from elsewhere: a manager that it has joined. */
export interface Steward {
  /** It, when a request to the admin listener shows its key. */
  knows(req: Pick<Shown, 'headers'>): Principal | undefined
  /** Names by which it and others call the listeners. */
  readonly hosts: readonly string[]
}

export interface ShellInit<K extends ServiceKind> {
  readonly kind: K
  /** Default: there is none. */
  readonly steward?: Steward | undefined
  readonly listeners: Readonly<Record<OwnListener<K>, ListenerInit>>
  /** What those listeners serve that the config lists by their names; default: there are none. */
  readonly further?: Readonly<Record<string, ListenerInit>>
  /** Clients are to go elsewhere, as `HttpServerInit` has it; not asked for `ops` and `admin`. Default: never. */
  readonly leaving?: (() => boolean) | undefined
  /** Conditions for readiness, besides a completed start. */
  readonly checks?: ReadinessChecks
  /** What `/readyz` tells although the service is ready. */
  readonly notes?: ReadinessChecks
  /** The clusters whose members the config names. The service is not ready before it knows them; default: there are none. */
  readonly rings?: readonly ServiceCluster[]
  /** Those without which it must not start at all: until then it serves `ops` alone. */
  readonly needs?: readonly ServiceCluster[]
}

/** What every service has around its own parts. */
export interface ServiceShell<K extends ServiceKind> {
  /**
   * `ops` first, so that it can report a slow start; then `admin`; the listeners for clients come last. Not those that
   * are off.
   */
  readonly listeners: readonly HttpServer[]
  /** The service as one part; it is ready between its start and its stop. */
  around(parts: readonly Startable[]): Startable
  /** Base URL; valid after the start; empty for a listener that is off. */
  url(listener: Exclude<ListenerName<K>, 'peer'>): string
}

/** Clients call a registry by names that nobody can list, so only `hosts` limits them there. Members call each other. */
function knownHosts(
  { hosts }: CommonConfig,
  envelope: Envelope | undefined,
  { rings = [], steward }: Pick<ShellInit<ServiceKind>, 'rings' | 'steward'>,
): NonNullable<HttpServerInit['hosts']> {
  if (envelope === 'registry' && hosts.length === 0) return 'any'
  return () => [...hosts, ...rings.flatMap((ring) => ring.hosts()), ...(steward?.hosts ?? [])]
}

/** The callers of a listener; of the admin listener also who steers the service. */
function callersOf(name: string, others: Authenticate, steward: Steward | undefined): Authenticate {
  return name === 'admin' && steward !== undefined ? (req) => steward.knows(req) ?? others(req) : others
}

/** @throws CONFIG_INVALID for a listener that nobody serves anything at */
function initOf(inits: Readonly<Record<string, ListenerInit>>, name: string): ListenerInit {
  const init = Object.hasOwn(inits, name) ? inits[name] : undefined
  if (init === undefined) throw appError('CONFIG_INVALID', { message: `nothing is served at a listener ${name}` })
  return init
}

/** The listeners of those who look after the service. */
const KEEPERS: readonly string[] = ['ops', 'admin']

const rank = (name: string) => {
  const place = KEEPERS.indexOf(name)
  return place < 0 ? Number.MAX_SAFE_INTEGER : place
}

/** How the listener for peers speaks TLS, and those who dial from here; undefined when they do not. */
export function peerTlsOf(
  { tls: material }: Runtime,
  config: CommonConfig & { readonly peer: ListenerConfig },
): Pick<ListenerTls, 'material' | 'plainToo'> | undefined {
  const speech = speechOf(config, config.peer)
  return material === undefined || speech === 'plain' ? undefined : { material, plainToo: speech === 'both' }
}

/** How a listener speaks TLS; undefined when it does not. */
function tlsOf({ tls: material }: Runtime, config: CommonConfig, listener: ListenerConfig): ListenerTls | undefined {
  const speech = speechOf(config, listener)
  if (material === undefined || speech === 'plain') return undefined
  return { material, clients: listener.clientCertificates ?? 'off', plainToo: speech === 'both' }
}

/**
 * The listeners of a service from the table of services, guarded by the secrets, and the service's state.
 * @throws INSECURE_BIND when unknown callers can reach any listener of the table, including the peer port
 */
export function serviceShell<K extends ServiceKind>(
  runtime: Runtime,
  config: CommonConfig,
  { kind, listeners, further = {}, leaving, checks = {}, notes, rings = [], needs = [], steward }: ShellInit<K>,
): ServiceShell<K> {
  assertSafeListeners(kind, config)
  const state = serviceState()
  const { openFiles } = runtime
  const budgets = bodyBudgets(runtime)
  const known = memberChecks(rings)
  const allChecks = { service: state.check, ...known.checks, ...checks }
  const missing = missingNow(allChecks)
  const ops = opsRoutes({ metrics: runtime.metrics, checks: allChecks, notes: { ...known.notes, ...notes } })
  const inits: Readonly<Record<string, ListenerInit>> = { ops: { routes: ops }, ...listeners, ...further }
  const opened = openListeners(kind, config).filter(({ name }) => name !== 'peer')
  const sharers = opened.filter(({ name }) => !KEEPERS.includes(name)).length
  const open = ({ name, config: listener }: OpenListener): HttpServer => {
    const { anonymous, foreignLogIns, identify, probes, ...init } = initOf(inits, name)
    const routes = [...init.routes, ...(probes?.(missing) ?? [])]
    const secrets = secretAuthenticator({
      ...{ secrets: config.secrets, anonymous: anonymous ?? config.anonymous, foreignLogIns },
    })
    const authenticate = callersOf(name, secrets, steward)
    const maxConnections = connectionRoom(name, openFiles, sharers)
    const bodies = budgets.of(name, { reserved: KEEPERS.includes(name) })
    const { addressShare, drain: drainMs } = config
    const limits = { maxConnections, addressShare, drainMs, bodies, ...(!KEEPERS.includes(name) && { leaving }) }
    const own = { name, bind: listener.bind, tls: tlsOf(runtime, config, listener), balancers: balancersOf(listener) }
    const settings = {
      ...init,
      ...own,
      routes,
      hosts: knownHosts(config, init.envelope, { rings, steward }),
      ...limits,
    }
    return httpServer({ ...runtime, authenticate, identify }, settings)
  }
  const ordered = opened.toSorted((a, b) => rank(a.name) - rank(b.name))
  const servers = new Map(ordered.map((listener) => [listener.name, open(listener)] as const))
  const fileAdvice: Startable = {
    async start() {
      const few = fewOpenFiles(openFiles)
      if (few !== undefined)
        runtime.logger.warn('few files and connections may be open; raise the limit (ulimit -n)', few)
    },
    stop: () => Promise.resolve(),
  }
  const gate = memberGate(rings, needs)
  // Whoever waits to start says so, and what for.
  const before = needs.some(({ feed }) => feed.missing() !== undefined) ? [...servers.values()].slice(0, 1) : []
  return {
    listeners: [...servers.values()],
    around: (parts) => {
      const tls = runtime.tls === undefined ? [] : [runtime.tls]
      const exporter = runtime.exporter === undefined ? [] : [runtime.exporter]
      return gate.around(state.around(lifecycle([...tls, ...exporter, fileAdvice, ...before, gate, ...parts])))
    },
    url: (listener) => servers.get(listener)?.url ?? '',
  }
}
