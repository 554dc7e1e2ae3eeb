import {
  compareSteering,
  hashOfValues,
  noSteering,
  type OrdersClient,
  ordersClient,
  type SteeringReport,
} from '../../lib/api/index.ts'
import { abortController, isAbort, systemClock } from '../../lib/base/index.ts'
import { peerIdOf } from '../../lib/core/index.ts'
import { httpClient } from '../../lib/http/index.ts'

/* Agents that only ask for orders, and run what they are told: steering-agents.ts <first> <count> <url of a tracker>... */

/** What the agents of this process tell whoever started them. */
export type AgentsTold =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'runs'
      readonly generation: number
      readonly atMs: number
      readonly requests: number
      readonly failures: number
    }

/** After a question that has failed; at random up to twice as long. */
const AGAIN_MS = 1_000
const WAIT_MS = { least: 20_000, more: 10_000 }
const [first = '0', count = '0', ...urls] = process.argv.slice(2)
const clock = systemClock()
const http = httpClient(
  { clock },
  { connectionsPerOrigin: { control: 20_000, upload: 1, download: 1 }, maxWaiting: 40_000, connectTimeoutMs: 30_000 },
)
// Every question waits for it.
const end = abortController(Number.MAX_SAFE_INTEGER)
const tell = (told: AgentsTold) => process.send?.(told)

let requests = 0
let failures = 0
let asked = 0
const running = new Map<number, number>()

/** Counts an agent; the last one of a generation is told. */
function runs(generation: number): void {
  const all = (running.get(generation) ?? 0) + 1
  running.set(generation, all)
  if (all === Number(count)) tell({ kind: 'runs', generation, atMs: Date.now(), requests, failures })
}

class Agent {
  readonly #key: string
  #report: SteeringReport = {
    ...{ version: noSteering, hash: hashOfValues({}), state: 'applied', runs: 0 },
    health: { done: 0, failed: 0, stalled: 0 },
  }

  constructor(at: number) {
    this.#key = `the key of the simulated host ${at}`
  }

  /** Asks as an agent does, also after a question that has failed. */
  async ask(client: OrdersClient): Promise<void> {
    const state = { turn: 0, isKnown: false }
    while (!end.signal.aborted) {
      try {
        await this.#askOnce(client, state)
      } catch (err) {
        if (isAbort(err)) return
        failures += 1
        await clock.sleep(AGAIN_MS * (1 + Math.random()), { signal: end.signal }).catch(() => undefined)
      }
    }
  }

  async #askOnce(client: OrdersClient, state: { turn: number; isKnown: boolean }): Promise<void> {
    state.turn += 1
    const { turn } = state
    const identity = { key: this.#key, peerId: peerIdOf(this.#key), run: 'bench', turn, platform: 'linux/amd64' }
    const waitMs = !state.isKnown ? 0 : WAIT_MS.least + Math.round(Math.random() * WAIT_MS.more)
    requests += 1
    const { steering: word, againMs } = await client.poll(
      { ...identity, waitMs, shoal: 'bench', steering: this.#report, orders: [] },
      { signal: end.signal },
    )
    if (!state.isKnown) this.#begun()
    state.isKnown = true
    if (word !== undefined && compareSteering(word.version, this.#report.version) > 0) {
      const { version, hash } = word
      this.#report = { ...this.#report, version, hash, runs: version.generation }
      runs(version.generation)
    }
    if (againMs > 0) await clock.sleep(againMs, { signal: end.signal })
  }

  #begun(): void {
    asked += 1
    if (asked === Number(count) * urls.length) tell({ kind: 'ready' })
  }
}

process.on('disconnect', () => {
  end.abort()
  void http.stop().finally(() => process.exit())
})
const agents = Array.from({ length: Number(count) }, (_, at) => new Agent(Number(first) + at))
const clients = urls.map((url) => ordersClient(http, url))
await Promise.all(agents.flatMap((agent) => clients.map((client) => agent.ask(client))))
