import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type HerdPlan, type InstancePlan, planHerd, portCount } from '../../services/herd/index.ts'
import { buildResource } from '../kit/resource-stack.ts'
import { startProcess } from '../kit/start-process.ts'
import { tempFolder } from '../kit/temp-folder.ts'
import { testPorts } from '../kit/test-ports.ts'

export interface HostsInit {
  readonly agents: number
  /** Agents that share a process. */
  readonly agentsPerProcess: number
  readonly overrides: readonly string[]
  readonly signal: AbortSignal
}

/** A shoal whose agents share a few processes, and one process with all other services. */
export interface ServiceHosts extends AsyncDisposable {
  readonly plan: HerdPlan
  /** Ids of the processes with the agents, and of the one with the rest. */
  readonly pids: { readonly agents: readonly number[]; readonly others: number }
}

/** `http://host:port` of one listener of one service of a plan. */
export const urlOf = ({ ports }: InstancePlan, listener: string) => `http://127.0.0.1:${ports[listener] ?? 0}`

/** Starting an agent takes a few hundredths of a second of one processor; this allows for a busy machine. */
const READY_MS = { base: 60_000, perAgent: 2_000 }

/** The plan in parts that can start one after the other: all services but the agents, then groups of agents. */
export function planParts(plan: HerdPlan, agentsPerProcess: number): readonly HerdPlan[] {
  const nobody: HerdPlan = {
    agent: [],
    origin: [],
    tracker: [],
    buildIndex: [],
    proxy: [],
    controller: [],
    manager: [],
  }
  const groups: InstancePlan[][] = []
  for (let at = 0; at < plan.agent.length; at += agentsPerProcess) {
    groups.push(plan.agent.slice(at, at + agentsPerProcess))
  }
  return [{ ...plan, agent: [] }, ...groups.map((agent) => ({ ...nobody, agent }))]
}

/** Starts one origin, one tracker, one proxy, two build-indexes and the agents; all data goes with the result. */
export function startHosts({ agents, agentsPerProcess, overrides, signal }: HostsInit): Promise<ServiceHosts> {
  return buildResource(async (stack) => {
    const data = stack.own(await tempFolder('hosts')).path
    const size = { agents, origins: 1, trackers: 1 }
    const plan = planHerd(size, await testPorts(portCount(size)), data)
    const start = async (part: HerdPlan, i: number) => {
      const path = join(data, `plan-${i}.json`)
      await writeFile(path, JSON.stringify(part))
      const host = stack.own(
        await startProcess({
          command: process.execPath,
          args: ['--import', 'tsx', join(import.meta.dirname, 'service-host.ts'), path, ...overrides],
          ready({ stdout }) {
            if (stdout !== 'ready\n') throw new Error('it is not ready')
          },
          readyTimeoutMs: READY_MS.base + part.agent.length * READY_MS.perAgent,
          signal,
        }),
      )
      return host.pid
    }
    const [first, ...groups] = planParts(plan, agentsPerProcess)
    const others = await start(first ?? plan, 0)
    const pids: number[] = []
    for (const [i, group] of groups.entries()) pids.push(await start(group, i + 1))
    return { plan, pids: { agents: pids, others } }
  })
}
