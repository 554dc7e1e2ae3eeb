import {
  compareSteering,
  hashOfValues,
  noSteering,
  type SteeringReport,
  type TrackerClient,
  trackerClient,
} from '../../lib/api/index.ts'
import {
  abortController,
  backoffMs,
  deferred,
  onAbort,
  slots,
  systemClock,
  systemRandom,
  WAITS_OF_LIFE,
} from '../../lib/base/index.ts'
import { digestOf, peerIdOf, swarmIdOf } from '../../lib/core/index.ts'
import { httpClient } from '../../lib/http/index.ts'
import { everySecret } from '../kit/secrets.ts'
import { keyOf } from './steering-keys.ts'
import { endQuestions, type Questions, questionsTo } from './steering-questions.ts'

/*
 * Agents that announce one blob, ask for orders as real ones do, and run what they are told:
 * steering-agents.ts <first> <count> <url of a tracker>...
 */

/** What the agents of this process tell whoever started them. */
export type AgentsTold =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'runs'
      /** When each agent began to run the first generation that it was told. */
      readonly atMs: readonly number[]
    }
  | {
      readonly kind: 'asked'
      readonly requests: number
      readonly failures: number
    }

/** After questions that have failed, as agents wait: at random, and longer with each of them. */
const AWAY = { baseMs: 1_000, maxMs: 30_000, attempts: Number.POSITIVE_INFINITY }
/** Agents of a process that come at one time: the nodes of a fleet start one after the other. */
const COMING = 8
const FIRST_PORT = 1_024
const PORTS = 60_000
const WAIT_MS = { least: 20_000, more: 10_000 }
const [first = '0', count = '0', ...urls] = process.argv.slice(2)
const clock = systemClock()
const http = httpClient({ clock }, { token: everySecret.node })
const end = abortController(WAITS_OF_LIFE)
const tell = (told: AgentsTold) => process.send?.(told)

const random = systemRandom()
const digest = digestOf(Buffer.from('a blob that every agent has'))
const seeds = { sequence: 1, remove: [], add: [swarmIdOf(digest)] }

let requests = 0
let failures = 0
let asked = 0
const began: number[] = []

/** Notes that an agent runs what it was told; the last one is told. */
function runs(): void {
  began.push(Date.now())
  if (began.length === Number(count)) tell({ kind: 'runs', atMs: began })
}

class Agent {
  readonly #key: string
  #report: SteeringReport = {
    ...{ version: noSteering, hash: hashOfValues({}), state: 'applied', runs: 0 },
    health: { done: 0, failed: 0, stalled: 0 },
  }

  readonly #port: number
  readonly #end = abortController()

  constructor(at: number) {
    onAbort(end.signal, () => this.#end.abort())
    this.#key = keyOf(at)
    this.#port = FIRST_PORT + (at % PORTS)
  }

  /** Announces, and asks as an agent does, also after a question that has failed. `onAnswer` hears of each answer. */
  async live({ ask, announces }: Clients, onAnswer: () => void): Promise<void> {
    const state = { turn: 0, isKnown: false, isAnnounced: false }
    let failed = 0
    while (!this.#end.signal.aborted) {
      try {
        if (!state.isAnnounced) await announces.announceSeeds(this.#peer, seeds, { signal: this.#end.signal })
        state.isAnnounced = true
        await this.#askOnce(ask, state)
        onAnswer()
        failed = 0
      } catch {
        failures += 1
        failed += 1
        const waitMs = AWAY.baseMs / 2 + backoffMs(AWAY, failed, random)
        await clock.sleep(waitMs, { signal: this.#end.signal }).catch(() => undefined)
      }
    }
  }

  get #peer() {
    return { peerId: peerIdOf(this.#key), key: this.#key, port: this.#port, role: 'agent' } as const
  }

  async #askOnce(ask: Questions, state: { turn: number; isKnown: boolean }): Promise<void> {
    state.turn += 1
    const { turn } = state
    const identity = { key: this.#key, peerId: peerIdOf(this.#key), run: 'bench', turn, platform: 'linux/amd64' }
    const waitMs = !state.isKnown ? 0 : WAIT_MS.least + Math.round(Math.random() * WAIT_MS.more)
    requests += 1
    const { steering: word, againMs } = await ask({
      ...{ ...identity, waitMs, shoal: 'bench', steering: this.#report, orders: [] },
    })
    if (!state.isKnown) this.#begun()
    state.isKnown = true
    if (word !== undefined && compareSteering(word.version, this.#report.version) > 0) {
      const { version, hash } = word
      const before = this.#report.runs
      this.#report = { ...this.#report, version, hash, runs: version.generation }
      if (before === 0) runs()
    }
    if (againMs > 0) await clock.sleep(againMs, { signal: this.#end.signal })
  }

  #begun(): void {
    asked += 1
    if (asked === Number(count) * urls.length) tell({ kind: 'ready' })
  }
}

interface Clients {
  readonly ask: Questions
  readonly announces: TrackerClient
}

process.on('message', () => tell({ kind: 'asked', requests, failures }))
process.on('disconnect', () => {
  end.abort()
  endQuestions()
  void http.stop().finally(() => process.exit())
})
const agents = Array.from({ length: Number(count) }, (_, at) => new Agent(Number(first) + at))
const clients = urls.map((url): Clients => ({ ask: questionsTo(url), announces: trackerClient(http, url) }))
const coming = slots(COMING)
const living: Promise<unknown>[] = []
/** Begins to live, and resolves when each tracker knows it. */
function come(agent: Agent): Promise<unknown> {
  const come = clients.map(() => deferred())
  living.push(...clients.map((each, tracker) => agent.live(each, () => come[tracker]?.resolve())))
  return Promise.all(come.map(({ promise }) => promise))
}
await Promise.all(agents.map((agent) => coming.run(() => come(agent), end)))
await Promise.all(living)
