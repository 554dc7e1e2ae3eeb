import { Server as HttpServer } from 'node:http'
import { type AddressInfo, Server } from 'node:net'
import { type FakeClock, fakeClock, seededRandom } from '../../lib/base/index.ts'
import { loadConfig } from '../../lib/config/index.ts'
import { type ServiceKind, serviceFacts, serviceKinds } from '../../lib/service/index.ts'
import { type RecordingMetrics, recordingMetrics, silentLogger } from '../../lib/telemetry/index.ts'
import { doors, type HerdPlan, planHerd, portCount } from '../../services/herd/index.ts'
import { buildResource, type ResourceStack } from './resource-stack.ts'
import { tempFolder } from './temp-folder.ts'
import { testPorts } from './test-ports.ts'

/** One listener of the table of services. */
export interface Listener {
  readonly kind: ServiceKind
  readonly listener: string
  /** Dotted path of its key in the config. */
  readonly key: string
}

/** Every listener of every service of the table: a new one joins by itself. */
export const everyListener: readonly Listener[] = serviceKinds.flatMap((kind) =>
  Object.entries(serviceFacts(kind).listeners).map(([listener, { key }]) => ({ kind, listener, key })),
)

export interface EveryServiceInit {
  /** As for a herd: `agent.registry.anonymous=none`. */
  readonly overrides: readonly string[]
  /** How many files each service believes it may open. */
  readonly openFiles: number
  /** How often servers look for heads that come too late. */
  readonly headLookMs: number
  /** Members call each other by https. Default false. */
  readonly secure?: boolean
}

/** A cluster with one of each service in this process, all on one clock that the test moves. */
export interface EveryService extends AsyncDisposable {
  readonly clock: FakeClock
  port(at: Pick<Listener, 'kind' | 'listener'>): number
  metrics(kind: ServiceKind): RecordingMetrics
  /** Every server that was opened since the services began to start, by its port. */
  readonly servers: ReadonlyMap<number, Server>
}

const size = { agents: 1, origins: 1, trackers: 1, optional: true }

/** Notes each server of this process that begins to listen, until its end. */
function watchServers(stack: ResourceStack, headLookMs: number): ReadonlyMap<number, Server> {
  const servers = new Map<number, Server>()
  const listen = Reflect.get(Server.prototype, 'listen') as (this: Server, ...args: unknown[]) => Server
  Server.prototype.listen = function (this: Server, ...args: unknown[]) {
    if (this instanceof HttpServer) Object.assign(this, { connectionsCheckingInterval: headLookMs })
    this.once('listening', () => servers.set((this.address() as AddressInfo).port, this))
    return listen.apply(this, args)
  }
  stack.own({
    async [Symbol.asyncDispose]() {
      Server.prototype.listen = listen
    },
  })
  return servers
}

/** The same plan with `https` in the lists of members. */
export const secured = (plan: HerdPlan): HerdPlan =>
  JSON.parse(JSON.stringify(plan).replaceAll('"url":"http:', '"url":"https:')) as HerdPlan

/** Starts them in the order of the table; their end does not wait for requests that hang. */
export function startEveryService(init: EveryServiceInit): Promise<EveryService> {
  return buildResource(async (stack) => {
    const { path } = stack.own(await tempFolder('every-service'))
    const plain = planHerd(size, await testPorts(portCount(size)), path)
    const plan = init.secure === true ? secured(plain) : plain
    const servers = watchServers(stack, init.headLookMs)
    // Certificates are valid by the time of the machine.
    const clock = fakeClock(init.secure === true ? Date.now() : undefined)
    const metrics = Object.fromEntries(serviceKinds.map((kind) => [kind, recordingMetrics()]))
    for (const kind of serviceKinds) {
      const own = init.overrides
        .filter((text) => text.startsWith(`${kind}.`))
        .map((text) => text.slice(kind.length + 1))
      const [instance] = plan[kind]
      const config = Object.entries(instance?.config ?? {}).map(([key, value]) => `${key}=${JSON.stringify(value)}`)
      const parts = {
        ...{ clock, random: seededRandom(kind.length), logger: silentLogger(), openFiles: init.openFiles },
        metrics: metrics[kind]!,
      }
      const service = doors[kind].make(parts, await loadConfig(doors[kind].schema, { overrides: [...config, ...own] }))
      await service.start()
      stack.own({
        async [Symbol.asyncDispose]() {
          const state = { stopped: false }
          const stopping = service.stop().finally(() => {
            state.stopped = true
          })
          while (!state.stopped) await clock.advance(1_000)
          await stopping
        },
      })
    }
    return {
      clock,
      servers,
      port: ({ kind, listener }: Pick<Listener, 'kind' | 'listener'>) => plan[kind][0]?.ports[listener] ?? 0,
      metrics: (kind: ServiceKind) => metrics[kind]!,
    }
  })
}
