import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { AgentsTold } from './steering-agents.ts'

/** Agents of one process: four connections each, of what a process may have open. */
const PER_PROCESS = 2_500

type Told<Kind extends AgentsTold['kind']> = AgentsTold & { readonly kind: Kind }

class Agents {
  readonly #child: ChildProcess
  readonly #told: AgentsTold[] = []

  constructor(first: number, count: number, urls: readonly string[]) {
    const script = join(import.meta.dirname, 'steering-agents.ts')
    this.#child = fork(script, [String(first), String(count), ...urls], { execArgv: ['--import', 'tsx'] })
    this.#child.on('message', (told: AgentsTold) => this.#told.push(told))
  }

  /** Takes what it has told of this kind first, or will tell. */
  async heard<Kind extends AgentsTold['kind']>(kind: Kind): Promise<Told<Kind>> {
    for (;;) {
      const at = this.#told.findIndex((told) => told.kind === kind)
      if (at >= 0) return this.#told.splice(at, 1)[0] as Told<Kind>
      if (this.#child.exitCode !== null) throw new Error(`the agents ended with ${this.#child.exitCode}`)
      await Promise.race([once(this.#child, 'message'), once(this.#child, 'exit')])
    }
  }

  asked(): Promise<Told<'asked'>> {
    this.#child.send('asked')
    return this.heard('asked')
  }

  async end(): Promise<void> {
    if (!this.#child.connected) return
    const gone = once(this.#child, 'exit')
    this.#child.disconnect()
    await gone
  }
}

/** Simulated agents in a few processes, which come to these trackers. */
export interface SimulatedFleet extends AsyncDisposable {
  /** Resolves when each agent has asked each tracker. */
  ready(): Promise<unknown>
  /** When each agent began to run what it was told first, in order. */
  began(): Promise<readonly number[]>
  /** Questions for orders since the start, and how many of them failed. */
  asked(): Promise<{ readonly requests: number; readonly failures: number }>
}

export function simulatedFleet(count: number, urls: readonly string[]): SimulatedFleet {
  const groups: Agents[] = []
  for (let first = 0; first < count; first += PER_PROCESS)
    groups.push(new Agents(first, Math.min(PER_PROCESS, count - first), urls))
  return {
    ready: () => Promise.all(groups.map((group) => group.heard('ready'))),
    async began() {
      const told = await Promise.all(groups.map((group) => group.heard('runs')))
      return told.flatMap(({ atMs }) => atMs).toSorted((a, b) => a - b)
    },
    async asked() {
      const told = await Promise.all(groups.map((group) => group.asked()))
      const sum = (of: (each: Told<'asked'>) => number) => told.reduce((total, each) => total + of(each), 0)
      return { requests: sum(({ requests }) => requests), failures: sum(({ failures }) => failures) }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(groups.map((group) => group.end()))
    },
  }
}
