import { join } from 'node:path'
import { type ServiceKind, serviceFacts, serviceKinds } from '../../lib/service/index.ts'
import { silentLogger } from '../../lib/telemetry/index.ts'
import {
  type HerdComponents,
  type HerdPlan,
  herdService,
  type InstancePlan,
  planHerd,
  portCount,
} from '../../services/herd/index.ts'
import { describeExit } from './child-process.ts'
import { compiledScript } from './compiled-script.ts'
import { eventually } from './eventually.ts'
import { buildResource, type ResourceStack } from './resource-stack.ts'
import { type StartedProcess, startProcess } from './start-process.ts'
import { tempFolder } from './temp-folder.ts'
import { testPorts } from './test-ports.ts'

const project = join(import.meta.dirname, '..', '..')
/** Characters of what a process wrote to stderr that tell why it ended. */
const LAST_WORDS = 2000

export interface TopologyInit extends Pick<HerdComponents, 'agentParts' | 'originParts' | 'trackerParts'> {
  readonly agents: number
  readonly origins: number
  readonly trackers: number
  /** Default none. */
  readonly controllers?: number
  /** Default none; with `joinToken` the others join the first. */
  readonly managers?: number
  readonly joinToken?: string
  /** Also opens the listeners that are off by default. */
  readonly optional?: boolean
  /** Config overrides in the form of the herd's, e.g. `agent.limits.upload=20MB/s`. */
  readonly overrides?: readonly string[]
  /** Ids of instances that only `start` starts. */
  readonly later?: readonly string[]
  /** Ids that run as processes of their own and so can be killed; default: all. The others run in this process. */
  readonly processes?: readonly string[]
  /** The backends of origins and of build-indexes; default: a folder that they share. */
  readonly backends?: TopologyBackends
  /** More config of an instance, asked for at each of its starts. */
  readonly more?: (kind: ServiceKind, id: string) => Readonly<Record<string, unknown>>
  /** The data folder, to start with the data of an earlier topology; default: a folder removed with this topology. */
  readonly data?: string
  /** Further variables of the environment of those that are processes of their own, as they are at each start. */
  readonly env?: Readonly<Record<string, string>>
  /** Scripts that take the place of the programs of some services, and take the same flags. */
  readonly programs?: Partial<Record<ServiceKind, string>>
}

/** Any backend config, for the origins and for the build-indexes. */
export interface TopologyBackends {
  readonly blobs: object
  readonly index: object
}

/** The services of a herd, each started and stopped on its own. */
export interface Topology extends AsyncDisposable {
  readonly plan: HerdPlan
  readonly data: string
  /** Processes that ended though nobody told them to, by id: how, and their last words. Disposal tells all of them. */
  readonly crashes: ReadonlyMap<string, string>
  /** `http://host:port` of one listener of one instance. */
  url(id: string, listener?: string): string
  /** Starts a stopped instance with the same config and folder; `backends` replaces the backend in its config. */
  start(id: string, backends?: TopologyBackends): Promise<void>
  /** Sends SIGKILL to a process; resolves when the process has ended. */
  kill(id: string): Promise<void>
  /** Sends SIGTERM, or stops an instance of this process; resolves with the exit code of a process. */
  stop(id: string): Promise<number | undefined>
  /** The sum of a counter's samples on the ops listener of an instance; `label` is e.g. `from="backend"`. */
  counter(id: string, name: string, label?: string): Promise<number>
  logs(id: string): string
  /** Process id of a running instance. */
  pid(id: string): number
}

interface Instance extends InstancePlan {
  readonly kind: ServiceKind
}

/** A running instance. */
interface Running extends AsyncDisposable {
  readonly pid: number
  readonly logs: string
  /** Resolves when a process has ended, with how and its last words; never for an instance of this process. */
  readonly ended: Promise<string>
  end(signal: NodeJS.Signals): Promise<number | undefined>
}

const urlOf = ({ ports }: InstancePlan, listener: string) => `http://127.0.0.1:${ports[listener] ?? 0}`

function withBackends(instance: Instance, backends: TopologyBackends | undefined): Instance {
  const { kind, config } = instance
  if (backends === undefined) return instance
  if (kind === 'origin')
    return { ...instance, config: { ...config, backends: [{ repository: '*', backend: backends.blobs }] } }
  return kind === 'buildIndex' ? { ...instance, config: { ...config, backend: backends.index } } : instance
}

/** Starts all instances of the plan except those in `later`. */
export function startTopology(init: TopologyInit): Promise<Topology> {
  return buildResource(async (stack) => {
    const data = init.data ?? stack.own(await tempFolder('topology')).path
    const plan = planHerd(init, await testPorts(portCount(init)), data)
    const instances = Object.entries(plan).flatMap(([kind, list]) =>
      list.map((instance) => withBackends({ ...instance, kind: kind as ServiceKind }, init.backends)),
    )
    const running = new Map<string, Running>()
    const crashes = new Map<string, string>()
    const find = (id: string): Instance => {
      const found = instances.find((instance) => instance.id === id)
      if (found === undefined) throw new Error(`no instance ${id}`)
      return found
    }
    const start = async (id: string, backends = init.backends) => {
      const isProcess = init.processes?.includes(id) ?? true
      const planned = withBackends(find(id), backends)
      const instance = { ...planned, config: { ...planned.config, ...init.more?.(planned.kind, id) } }
      const started = await (isProcess ? startAlone : startInside)(stack, init, instance)
      running.set(id, started)
      void started.ended.then((how) => {
        if (running.get(id) === started) crashes.set(id, how)
      })
    }
    const end = async (id: string, signal: NodeJS.Signals) => {
      const instance = running.get(id)
      running.delete(id)
      return instance?.end(signal)
    }
    const first = instances.filter(({ id }) => init.later?.includes(id) !== true)
    // Wait for all of them before a failure ends the others: an instance that starts later would be left running.
    const started = await Promise.allSettled(first.map(({ id }) => start(id)))
    for (const outcome of started) if (outcome.status === 'rejected') throw outcome.reason
    return {
      plan,
      data,
      crashes,
      url: (id: string, listener = 'http') => urlOf(find(id), listener),
      start,
      async kill(id) {
        await end(id, 'SIGKILL')
      },
      stop: (id) => end(id, 'SIGTERM'),
      counter: (id, name, label = '') => counterAt(`${urlOf(find(id), 'ops')}/metrics`, name, label),
      pid: (id) => running.get(id)?.pid ?? 0,
      logs: (id) => running.get(id)?.logs ?? '',
    }
  })
}

async function startAlone(stack: ResourceStack, init: TopologyInit, instance: Instance): Promise<Running> {
  const { kind, config } = instance
  const own = (init.overrides ?? [])
    .filter((text) => text.startsWith(`${kind}.`))
    .map((text) => text.slice(kind.length + 1))
  const isSecret = (text: string) => text.startsWith('secrets.')
  const sets = [
    ...Object.entries(config).map(([key, value]) => `${key}=${JSON.stringify(value)}`),
    ...own.filter((text) => !isSecret(text)),
  ]
  const program = await compiledScript(init.programs?.[kind] ?? `services/${serviceFacts(kind).name}/main.ts`)
  const args = [program, ...sets.flatMap((set) => ['--set', set])]
  const ready = async (_output: unknown, signal: AbortSignal) => {
    const response = await fetch(`${urlOf(instance, 'ops')}/healthz`, { signal })
    if (!response.ok) throw new Error(`not healthy: ${response.status}`)
    const { registry } = serviceFacts(kind).listeners
    await fetch(registry === undefined ? urlOf(instance, 'http') : `${urlOf(instance, 'registry')}/v2/`, { signal })
  }
  const child: StartedProcess<void> = stack.own(
    await startProcess({
      ...{ command: process.execPath, args, cwd: project, ready, readyTimeoutMs: 60_000 },
      env: { ...process.env, ...init.env, ...variables(own.filter(isSecret)) },
    }),
  )
  return {
    pid: child.pid,
    get logs() {
      return child.output().stdout
    },
    ended: child.exited.then((exit) => `${describeExit(exit)}\n${child.output().stderr.slice(-LAST_WORDS)}`),
    async end(signal) {
      child.kill(signal)
      return (await child.exited).code
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  }
}

/** Overrides as variables of the environment, for what a command line must not show. */
const variables = (overrides: readonly string[]) =>
  Object.fromEntries(
    overrides.map((text) => {
      const [key = '', value = ''] = text.split('=', 2)
      return [`SHOAL__${key.replaceAll('.', '__')}`, value]
    }),
  )

async function startInside(stack: ResourceStack, init: TopologyInit, instance: Instance): Promise<Running> {
  const { kind, ...own } = instance
  const nothing = Object.fromEntries(serviceKinds.map((each) => [each, []])) as unknown as HerdPlan
  const plan: HerdPlan = { ...nothing, [kind]: [own] }
  const { service } = await herdService(
    { ...init, logger: silentLogger(), onPull: () => undefined },
    { plan, overrides: init.overrides ?? [] },
  )
  await service.start()
  return stack.own({
    pid: process.pid,
    logs: '',
    ended: new Promise<string>(() => undefined),
    async end(signal) {
      if (signal === 'SIGKILL') throw new Error(`${instance.id} is no process of its own`)
      await service.stop()
      return undefined
    },
    [Symbol.asyncDispose]: () => service.stop(),
  })
}

/** The sum of the samples of `name` whose labels contain `label`. */
export function counterAt(metricsUrl: string, name: string, label = ''): Promise<number> {
  return eventually(async (signal) => {
    const text = await (await fetch(metricsUrl, { signal })).text()
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      .filter((line) => line.includes(label))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
  })
}
