import { join } from 'node:path'
import type { Exit } from './child-process.ts'
import { buildResource } from './resource-stack.ts'
import { type Output, type StartedProcess, startProcess } from './start-process.ts'
import { tempFolder } from './temp-folder.ts'

/** What the herd prints when all its services are ready; each value is `host:port`. */
export interface HerdEndpoints {
  readonly proxy: string
  readonly proxyOps: string
  readonly proxyAdmin: string
  readonly agents: readonly string[]
  readonly agentPeers: readonly string[]
  readonly agentOps: readonly string[]
  readonly agentAdmins: readonly string[]
  readonly origins: readonly string[]
  readonly originPeers: readonly string[]
  readonly originOps: readonly string[]
  readonly originAdmins: readonly string[]
  readonly trackers: readonly string[]
  readonly trackerOps: readonly string[]
  readonly trackerAdmins: readonly string[]
  readonly buildIndexes: readonly string[]
  readonly buildIndexAdmins: readonly string[]
  readonly manager: string
  readonly managerAdmin: string
  /** The link that makes the first admin of the manager, while there is none. */
  readonly signIn?: string
}

export interface HerdInit {
  readonly agents?: number
  readonly origins?: number
  readonly trackers?: number
  /** The data folder, for a second start with the data of an earlier herd; default: a folder removed with this herd. */
  readonly data?: string
  /** Further flags of `npm start`. */
  readonly flags?: readonly string[]
  readonly signal?: AbortSignal
}

/** A whole shoal, started as its users start it. */
export interface Herd extends HerdEndpoints, AsyncDisposable {
  readonly data: string
  /** Process id of npm, which users see and send signals to. */
  readonly pid: number
  output(): Output
  kill(signal: NodeJS.Signals): void
  /** Resolves when npm has exited, for any reason. */
  readonly exited: Promise<Exit>
}

const project = join(import.meta.dirname, '..', '..')

/** Milliseconds; on a fresh clone the first start installs the dependencies. */
const readyTimeoutMs = 180_000

/** Runs `npm start` on free ports and waits until every service is ready. */
export function startHerd(init: HerdInit = {}): Promise<Herd> {
  return buildResource(async (stack) => {
    const data = init.data ?? stack.own(await tempFolder('herd')).path
    const counts = { agents: init.agents, origins: init.origins, trackers: init.trackers }
    const topology = Object.entries(counts).flatMap(([name, count]) =>
      count === undefined ? [] : [`--${name}`, String(count)],
    )
    const herd: StartedProcess<HerdEndpoints> = stack.own(
      await startProcess({
        command: 'npm',
        args: [
          ...['start', '--silent', '--', '--ports', 'auto', '--data', data, '--json'],
          ...topology,
          ...(init.flags ?? []),
        ],
        cwd: project,
        ready: ({ stdout }) => endpointsIn(stdout),
        readyTimeoutMs,
        signal: init.signal,
      }),
    )
    return {
      ...herd.ready,
      data,
      pid: herd.pid,
      output: () => herd.output(),
      kill: (signal) => herd.kill(signal),
      exited: herd.exited,
    }
  })
}

/** Parses the first line of standard output, which is one JSON object. */
function endpointsIn(stdout: string): HerdEndpoints {
  const end = stdout.indexOf('\n')
  if (end === -1) throw new Error('it has not printed its endpoints')
  return JSON.parse(stdout.slice(0, end)) as HerdEndpoints
}
