import { join } from 'node:path'
import { autoPorts, type HerdPlan, planHerd, portCount } from '../../services/herd/index.ts'
import { eventually } from './eventually.ts'
import { buildResource } from './resource-stack.ts'
import { type StartedProcess, startProcess } from './start-process.ts'
import { tempFolder } from './temp-folder.ts'

type Kind = keyof HerdPlan

const project = join(import.meta.dirname, '..', '..')
const folderOf: Readonly<Record<Kind, string>> = {
  agent: 'agent',
  origin: 'origin',
  tracker: 'tracker',
  buildIndex: 'build-index',
  proxy: 'proxy',
}

export interface TopologyInit {
  readonly agents: number
  readonly origins: number
  readonly trackers: number
  /** `agent.limits.upload=20MB/s`, as the herd takes them. */
  readonly overrides?: readonly string[]
  /** Flags of node for every instance, such as `--cpu-prof`. */
  readonly nodeFlags?: readonly string[]
  /** Ids that are not started yet; `start` does. */
  readonly later?: readonly string[]
}

/** The herd's services as separate processes, so that each can be killed. */
export interface Topology extends AsyncDisposable {
  readonly plan: HerdPlan
  readonly data: string
  /** `http://host:port` of one listener of one instance. */
  url(id: string, listener?: string): string
  /** Starts an instance that is not running, with the same config and folder. */
  start(id: string): Promise<void>
  /** SIGKILL; resolves when it is gone. */
  kill(id: string): Promise<void>
  /** SIGTERM; resolves when it has exited. */
  stop(id: string): Promise<void>
  /** The sum of a counter's samples on the ops listener of an instance; labels as in `from="store"`. */
  counter(id: string, name: string, label?: string): Promise<number>
  logs(id: string): string
  /** Process id of a running instance. */
  pid(id: string): number
}

/** Starts everything of the plan but what `later` names. */
export function startTopology(init: TopologyInit): Promise<Topology> {
  return buildResource(async (stack) => {
    const data = stack.own(await tempFolder('topology')).path
    const plan = planHerd(init, await autoPorts(portCount(init)), data)
    const instances = Object.entries(plan).flatMap(([kind, list]) =>
      list.map((instance) => ({ ...instance, kind: kind as Kind })),
    )
    const running = new Map<string, StartedProcess<void>>()
    const find = (id: string) => {
      const found = instances.find((instance) => instance.id === id)
      if (found === undefined) throw new Error(`no instance ${id}`)
      return found
    }
    const url = (id: string, listener = 'http') => `http://127.0.0.1:${find(id).ports[listener] ?? 0}`

    const start = async (id: string) => {
      const { kind, config } = find(id)
      const own = (init.overrides ?? []).filter((text) => text.startsWith(`${kind}.`))
      const sets = [
        ...Object.entries(config).map(([key, value]) => `${key}=${JSON.stringify(value)}`),
        ...own.map((text) => text.slice(kind.length + 1)),
      ]
      const args = [...(init.nodeFlags ?? []), '--import', 'tsx', `services/${folderOf[kind]}/main.ts`, ...sets.flatMap((set) => ['--set', set])]
      const ready = async (_output: unknown, signal: AbortSignal) => {
        const response = await fetch(`${url(id, 'ops')}/healthz`, { signal })
        if (!response.ok) throw new Error(`not healthy: ${response.status}`)
        if (id.startsWith('agent') || id.startsWith('proxy')) await fetch(`${url(id, 'registry')}/v2/`, { signal })
        else await fetch(url(id, 'http'), { signal })
      }
      running.set(id, stack.own(await startProcess({ command: process.execPath, args, cwd: project, ready })))
    }

    const end = async (id: string, signal: NodeJS.Signals) => {
      const child = running.get(id)
      child?.kill(signal)
      await child?.exited
      running.delete(id)
    }

    await Promise.all(instances.filter(({ id }) => init.later?.includes(id) !== true).map(({ id }) => start(id)))
    return {
      plan,
      data,
      url,
      start,
      kill: (id) => end(id, 'SIGKILL'),
      stop: (id) => end(id, 'SIGTERM'),
      counter: (id, name, label = '') => counterAt(`${url(id, 'ops')}/metrics`, name, label),
      pid: (id) => running.get(id)?.pid ?? 0,
      logs: (id) => running.get(id)?.output().stdout ?? '',
    }
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
