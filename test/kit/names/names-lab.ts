import { abortController, appError, type FakeClock, type Random } from '../../../lib/base/index.ts'
import { silentLogger } from '../../../lib/telemetry/index.ts'
import {
  type CachePod,
  type Keeper,
  keeper,
  mandates,
  type NamesRule,
  prober,
  probeTargets,
} from '../../../services/controller/names/index.ts'
import { MemoryZone, type ZoneFaults } from './memory-zone.ts'

/** A pod as it really is. */
export interface RealPod {
  readonly address: string
  readonly node: string
  readonly zone: string
  ready: boolean
  /** Its data port answers. */
  alive: boolean
}

export const LEASE = { leaseMs: 6_000, renewMs: 4_000 }
export const TTL = 10
export const BASE = 'c1.p2p.test'
export const OWNER = 'lab'
export const WRITES = { writesPerSecond: 2, writesAtOnce: 5 }

export const rule: NamesRule = {
  ...{ base: BASE, perZone: true, most: 8, kinds: ['node', 'virtual'], zones: [] },
  ...{ settleMs: 10_000, replaceMs: 60_000 },
}

export interface NamesLabInit {
  readonly clock: FakeClock
  readonly random: Random
  readonly faults: ZoneFaults
  readonly pods: ReadonlyMap<string, RealPod>
  readonly onRemoved: (name: string) => void
}

/** One controller: it sees the cluster by the API, and the caches by their ports. */
interface Controller {
  readonly id: string
  readonly keeper: Keeper
  /** The API answers it. */
  reaches: boolean
  step(): void
  kill(): Promise<void>
}

/** A cluster with an API server, a zone and several controllers, in simulated time. */
export class NamesLab {
  readonly zone: MemoryZone
  readonly controllers: Controller[] = []
  readonly #init: NamesLabInit
  /** The API server is there. */
  apiIsUp = true
  #lease: { holder: string; renewedMs: number } | undefined
  #started = 0
  /** What the API server shows. */
  #listed: readonly CachePod[]

  constructor(init: NamesLabInit) {
    this.#init = init
    this.#listed = podsOf(init.pods)
    const { clock, random, faults } = init
    this.zone = new MemoryZone({ clock, random, faults, delayMs: 60, onRemoved: ({ name }) => init.onRemoved(name) })
  }

  async startController(): Promise<Controller> {
    const { clock, random, pods: real } = this.#init
    this.#started += 1
    const id = `controller-${this.#started}`
    let seen: readonly CachePod[] | undefined
    const ports = prober(
      {
        clock,
        ask: async (address) => {
          if (real.get(address)?.alive !== true) throw appError('PEER_CLOSED')
        },
      },
      { targets: () => probeTargets(own.state.found ?? [], seen ?? []) },
    )
    const own = keeper(
      {
        ...{ clock, random, logger: silentLogger(), zone: this.zone.of(OWNER), pods: () => seen },
        answers: (address) => ports.answers(address),
        loadOf: () => undefined,
        observer: { written: () => undefined, failed: () => undefined, looked: () => undefined },
      },
      { rule, ttl: TTL, ...WRITES },
    )
    const rights = mandates(own)
    let term: AbortController | undefined
    let renewedMs = 0
    const controller: Controller = {
      id,
      keeper: own,
      reaches: true,
      step: () => {
        const nowMs = clock.monotonicMs()
        const isServed = this.apiIsUp && controller.reaches
        if (isServed) seen = this.#listed
        rights.freshness(isServed)
        const lease = this.#lease
        const isMine = lease === undefined || lease.holder === id || nowMs - lease.renewedMs >= LEASE.leaseMs
        if (isServed && isMine) {
          this.#lease = { holder: id, renewedMs: nowMs }
          renewedMs = nowMs
          if (term === undefined) {
            term = abortController()
            rights.lead({ signal: term.signal, assert: () => undefined }).catch(() => undefined)
          }
        }
        if (term !== undefined && (nowMs - renewedMs >= LEASE.renewMs || (isServed && this.#lease?.holder !== id))) {
          term.abort()
          term = undefined
        }
      },
      kill: async () => {
        this.controllers.splice(this.controllers.indexOf(controller), 1)
        term?.abort()
        await Promise.all([rights.stop(), own.stop(), ports.stop()])
      },
    }
    this.controllers.push(controller)
    controller.step()
    await rights.start()
    await ports.start()
    await own.start()
    return controller
  }

  /** Lets time pass in short steps, in each of which every controller hears of the API. */
  async pass(ms: number, after: (stepMs: number) => void): Promise<void> {
    const stepMs = 250
    this.#listed = podsOf(this.#init.pods)
    for (let passed = 0; passed < ms; passed += stepMs) {
      for (const controller of this.controllers) controller.step()
      await this.#init.clock.advance(stepMs)
      after(stepMs)
    }
  }

  async stop(): Promise<void> {
    while (this.controllers[0] !== undefined) await this.controllers[0].kill()
  }
}

const podsOf = (real: ReadonlyMap<string, RealPod>): readonly CachePod[] =>
  [...real.values()].map(({ address, node, zone, ready }) => ({
    ...{ pod: `caches/${address}`, address, node, zone, ready, kind: 'node' as const },
    ...{ leaving: false, drained: false, cordoned: false },
  }))
