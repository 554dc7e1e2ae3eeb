import { Server as HttpServer } from 'node:http'
import { type AddressInfo, Server, type Socket } from 'node:net'
import { type FakeClock, fakeClock, seededRandom, systemClock } from '../../lib/base/index.ts'
import { loadConfig } from '../../lib/config/index.ts'
import { type ServiceKind, serviceFacts, serviceKinds } from '../../lib/service/index.ts'
import { type RecordingMetrics, recordingMetrics, silentLogger } from '../../lib/telemetry/index.ts'
import { doors, type HerdPlan, planHerd, portCount } from '../../services/herd/index.ts'
import { buildResource, type ResourceStack } from './resource-stack.ts'
import { tempFolder } from './temp-folder.ts'
import { testPorts } from './test-ports.ts'

/** One listener of the table of services, or one of the lists that the table names. */
export interface Listener {
  readonly kind: ServiceKind
  readonly listener: string
  /** Dotted path of its key in the config. */
  readonly key: string
  /** Of one in a list: the listener whose kind it is of. */
  readonly like?: string
}

/** Of the only listener in a list. */
const FURTHER = 'further'

/** Every listener of every service of the table, and one for each list of further ones: a new one joins by itself. */
export const everyListener: readonly Listener[] = serviceKinds.flatMap((kind) => {
  const { listeners, further } = serviceFacts(kind)
  const usual = Object.entries(listeners).map(([listener, { key }]) => ({ kind, listener, key }))
  if (further === undefined) return usual
  return [...usual, { kind, listener: FURTHER, key: `${further.key}.0`, like: further.like }]
})

/** Overrides of the listener's service that set these keys of the listener. */
export function listenerOverrides(at: Listener, keys: Readonly<Record<string, string>>): readonly string[] {
  if (at.like === undefined) return Object.entries(keys).map(([key, value]) => `${at.key}.${key}=${value}`)
  const listed = { name: at.listener, bind: '127.0.0.1:auto', ...keys }
  return [`${at.key.replace(/\.0$/, '')}=${JSON.stringify([listed])}`]
}

export interface EveryServiceInit {
  /** As for a herd: `agent.registry.anonymous=none`. */
  readonly overrides: readonly string[]
  /** How many files each service believes it may open. */
  readonly openFiles: number
  /** How often servers look for heads that come too late. */
  readonly headLookMs: number
  /** Keys of every listener that speaks HTTP. Default: none but its address. */
  readonly atEach?: Readonly<Record<string, string>>
  /** Members call each other by https. Default false. */
  readonly secure?: boolean
}

/** A cluster with one of each service in this process, all on one clock that the test moves. */
export interface EveryService extends AsyncDisposable {
  readonly clock: FakeClock
  port(at: Pick<Listener, 'kind' | 'listener'>): number
  metrics(kind: ServiceKind): RecordingMetrics
  /** Resolves when nothing is under way on sockets and disks: time that a test moves must not overtake work. */
  quiet(): Promise<void>
  /** Every server that was opened since the services began to start, by its port. */
  readonly servers: ReadonlyMap<number, Server>
}

const furtherListeners = everyListener.filter(({ like }) => like !== undefined)

const size = { agents: 1, origins: 1, trackers: 1, controllers: 1, managers: 1, optional: true }

interface Watched {
  readonly servers: ReadonlyMap<number, Server>
  /** Connections that came to these servers, and bytes that passed on them, in both directions. */
  readonly passed: () => number
}

/** Notes each server of this process that begins to listen, until its end. */
function watchServers(stack: ResourceStack, headLookMs: number): Watched {
  const servers = new Map<number, Server>()
  const open = new Set<Socket>()
  let before = 0
  const bytesOn = ({ bytesRead, bytesWritten }: Socket) => bytesRead + bytesWritten
  const note = (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => {
      open.delete(socket)
      before += bytesOn(socket) + 1
    })
  }
  const listen = Reflect.get(Server.prototype, 'listen') as (this: Server, ...args: unknown[]) => Server
  Server.prototype.listen = function (this: Server, ...args: unknown[]) {
    if (this instanceof HttpServer) Object.assign(this, { connectionsCheckingInterval: headLookMs })
    this.once('listening', () => servers.set((this.address() as AddressInfo).port, this)).on('connection', note)
    return listen.apply(this, args)
  }
  stack.own({
    async [Symbol.asyncDispose]() {
      Server.prototype.listen = listen
    },
  })
  return { servers, passed: () => [...open].reduce((sum, socket) => sum + bytesOn(socket) + 1, before) }
}

const LOOK_MS = 5
/** Work that goes on for ever is not waited for. */
const MOST_LOOKS = 400
const isDiskWork = (resource: string) => resource.startsWith('FSReq')

/** Waits until nothing has passed between two looks, and no call of the file system is open. */
async function untilQuiet(passed: () => number): Promise<void> {
  for (let looks = 0, last = -1; looks < MOST_LOOKS; looks += 1) {
    await systemClock().sleep(LOOK_MS)
    // After a standstill of the process timers come before what has arrived meanwhile.
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    const now = passed()
    if (now === last && !process.getActiveResourcesInfo().some(isDiskWork)) return
    last = now
  }
}

/** The same plan with `https` in the lists of members. */
export const secured = (plan: HerdPlan): HerdPlan =>
  JSON.parse(JSON.stringify(plan).replaceAll('"url":"http:', '"url":"https:')) as HerdPlan

/** Starts them in the order of the table; their end does not wait for requests that hang. */
export function startEveryService(init: EveryServiceInit): Promise<EveryService> {
  return buildResource(async (stack) => {
    const { path } = stack.own(await tempFolder('every-service'))
    const ports = await testPorts(portCount(size) + furtherListeners.length)
    const plain = planHerd(size, ports, path)
    const atEach = init.atEach ?? {}
    const listed = furtherListeners.map((at) => ({ at, ports: ports.take(0, { [at.listener]: 0 }) }))
    const portsOf = (kind: ServiceKind): Readonly<Record<string, number>> =>
      Object.fromEntries([
        ...Object.entries(plain[kind][0]?.ports ?? {}),
        ...listed.filter(({ at }) => at.kind === kind).flatMap((one) => Object.entries(one.ports)),
      ])
    const overridesFor = (kind: ServiceKind) =>
      everyListener
        .filter(({ listener, ...at }) => at.kind === kind && listener !== 'peer')
        .flatMap((at) => {
          const bind = `127.0.0.1:${portsOf(kind)[at.listener] ?? 0}`
          return listenerOverrides(at, { ...(at.like !== undefined && { bind }), ...atEach })
        })
    const plan = init.secure === true ? secured(plain) : plain
    const { servers, passed } = watchServers(stack, init.headLookMs)
    // Certificates are valid by the time of the machine.
    const clock = fakeClock(init.secure === true ? Date.now() : undefined)
    const metrics = Object.fromEntries(serviceKinds.map((kind) => [kind, recordingMetrics()]))
    for (const kind of serviceKinds) {
      const given = init.overrides
        .filter((text) => text.startsWith(`${kind}.`))
        .map((text) => text.slice(kind.length + 1))
      const [instance] = plan[kind]
      const config = Object.entries(instance?.config ?? {}).map(([key, value]) => `${key}=${JSON.stringify(value)}`)
      const parts = {
        ...{ clock, random: seededRandom(kind.length), logger: silentLogger(), openFiles: init.openFiles },
        metrics: metrics[kind]!,
      }
      const service = doors[kind].make(
        parts,
        await loadConfig(doors[kind].schema, { overrides: [...config, ...overridesFor(kind), ...given] }),
      )
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
      quiet: () => untilQuiet(passed),
      port: ({ kind, listener }: Pick<Listener, 'kind' | 'listener'>) => portsOf(kind)[listener] ?? 0,
      metrics: (kind: ServiceKind) => metrics[kind]!,
    }
  })
}
