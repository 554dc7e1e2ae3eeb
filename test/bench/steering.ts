import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { adminClient, trackerAdmin } from '../../lib/api/index.ts'
import { systemClock } from '../../lib/base/index.ts'
import { httpClient } from '../../lib/http/index.ts'
import { startTopology, type Topology } from '../kit/topology.ts'
import { publish, useOf } from './measure.ts'
import { sizeOptions } from './options.ts'
import type { AgentsTold } from './steering-agents.ts'

const TRACKERS = ['tracker-1', 'tracker-2', 'tracker-3', 'tracker-4'] as const
/** Agents of one process: four connections each, of what a process may have open. */
const PER_PROCESS = 2_500

class Agents {
  readonly #child: ChildProcess
  readonly #told: AgentsTold[] = []

  constructor(first: number, count: number, urls: readonly string[]) {
    const script = join(import.meta.dirname, 'steering-agents.ts')
    this.#child = fork(script, [String(first), String(count), ...urls], { execArgv: ['--import', 'tsx'] })
    this.#child.on('message', (told: AgentsTold) => this.#told.push(told))
  }

  /** Waits until it was told what fits. */
  async heard<T extends AgentsTold>(fits: (told: AgentsTold) => told is T): Promise<T> {
    for (;;) {
      const found = this.#told.find(fits)
      if (found !== undefined) return found
      if (this.#child.exitCode !== null) throw new Error(`the agents ended with ${this.#child.exitCode}`)
      await Promise.race([once(this.#child, 'message'), once(this.#child, 'exit')])
    }
  }

  async end(): Promise<void> {
    if (!this.#child.connected) return
    const gone = once(this.#child, 'exit')
    this.#child.disconnect()
    await gone
  }
}

const isReady = (told: AgentsTold): told is AgentsTold & { kind: 'ready' } => told.kind === 'ready'
const isAt =
  (generation: number) =>
  (told: AgentsTold): told is AgentsTold & { kind: 'runs' } =>
    told.kind === 'runs' && told.generation === generation

async function cpuOf(shoal: Topology): Promise<readonly number[]> {
  const uses = await Promise.all(TRACKERS.map((id) => useOf(shoal.pid(id))))
  return uses.map(({ cpuSeconds }) => cpuSeconds)
}

/** Arguments: `--agents 200`, simulated ones, each of which asks four real trackers. */
export async function steering(argv: readonly string[]): Promise<void> {
  const { agents: count } = sizeOptions(argv, { agents: 200 })
  const later = ['agent-1', 'origin-1', 'build-index-1', 'build-index-2', 'proxy-1']
  await using shoal = await startTopology({ agents: 1, origins: 1, trackers: TRACKERS.length, later })
  const urls = TRACKERS.map((id) => shoal.url(id))
  const http = httpClient({ clock: systemClock() })
  const admin = adminClient(http, shoal.url('tracker-1', 'admin'), trackerAdmin)
  const groups: Agents[] = []
  for (let first = 0; first < count; first += PER_PROCESS)
    groups.push(new Agents(first, Math.min(PER_PROCESS, count - first), urls))
  try {
    await Promise.all(groups.map((group) => group.heard(isReady)))
    const before = await cpuOf(shoal)
    const beganMs = Date.now()
    const layer = { id: 'all', kind: 'agent', scope: { all: true }, values: { 'limits.download': '20MB/s' } } as const
    await admin.steer({ body: { manager: 'bench', generation: 1, layers: [{ ...layer, generation: 1 }] } })
    const ends = await Promise.all(groups.map((group) => group.heard(isAt(1))))
    const seconds = (Math.max(...ends.map(({ atMs }) => atMs)) - beganMs) / 1000
    const cpu = (await cpuOf(shoal)).map((after, at) => after - (before[at] ?? 0))
    const summaryBeganMs = Date.now()
    const { all } = await admin.steeringSummary({})
    const summaryMs = Date.now() - summaryBeganMs
    const requests = ends.reduce((sum, each) => sum + each.requests, 0)
    const failures = ends.reduce((sum, each) => sum + each.failures, 0)
    await publish({
      name: 'steering',
      conditions: [
        `${count} simulated agents, each with a question open at each of 4 trackers in processes of their own, over loopback`,
        'one generation that changes a value of every agent is given to one tracker; no time is demanded here',
        'requests are those of all agents at all trackers since their start, until the last agent ran the generation',
      ],
      columns: ['what', 'value'],
      rows: [
        ['seconds until the last agent runs it', seconds.toFixed(2)],
        ['requests', requests],
        ['of them failed', failures],
        ['CPU seconds of each tracker', cpu.map((each) => each.toFixed(2)).join(', ')],
        ['hosts in the summary', all.hosts],
        ['of them applied, as told by then', all.states.applied],
        ['ms of the summary', summaryMs],
      ],
      raw: { seconds, requests, failures, cpu, summaryMs },
    })
  } finally {
    await Promise.all(groups.map((group) => group.end()))
    await http.stop()
  }
}
