import { appError, type FakeClock, type Random, type Startable } from '../../../lib/base/index.ts'
import { silentLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import { controllerSchema } from '../../../services/controller/index.ts'
import { election, electionTimings } from '../../../services/controller/kubernetes/index.ts'
import {
  type CachePod,
  type Keeper,
  keeper,
  mandates,
  type NamesRule,
  prober,
  probeTargets,
} from '../../../services/controller/names/index.ts'
import { leaseServer } from '../lease-server.ts'
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

/** What holds unless somebody says otherwise. */
const defaults = controllerSchema.parse({})
export const TTL = defaults.names.ttl / 1000
export const BASE = 'c1.p2p.test'
export const OWNER = 'lab'
export const WRITES = { writesPerSecond: defaults.names.writes.perSecond, writesAtOnce: defaults.names.writes.burst }

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
  /** It hears of the cluster. */
  step(): void
  /** As by kill -9: what it has it does not give back. */
  kill(): Promise<void>
  /** An orderly stop: another one may follow at once. */
  stop(): Promise<void>
}

/** The way to the API server, while there is one. */
const API_WAY = { mostDelayMs: 100, failing: 0.02 }

/** A cluster with an API server, a zone and several controllers, in simulated time. */
export class NamesLab {
  readonly zone: MemoryZone
  readonly controllers: Controller[] = []
  readonly #init: NamesLabInit
  /** The API server is there. */
  apiIsUp = true
  readonly #leases = leaseServer(API_WAY)
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
    let isKilled = false
    const isServed = () => this.apiIsUp && controller.reaches && !isKilled
    const kube = this.#leases.kubeFor(clock, random, () => !isServed())
    const standing = election(
      { kube, clock, random, logger: silentLogger(), metrics: silentMetrics() },
      {
        ...{ lease: 'one', identity: id, lead: (term) => rights.lead(term) },
        timings: electionTimings(defaults.lease),
      },
    )
    const stop = async () => {
      this.controllers.splice(this.controllers.indexOf(controller), 1)
      for (const part of [own, ports, rights, standing]) await this.#stopped(part)
    }
    const controller: Controller = {
      id,
      keeper: own,
      reaches: true,
      step: () => {
        if (isServed()) seen = this.#listed
        rights.freshness(isServed())
      },
      kill: async () => {
        isKilled = true
        await stop()
      },
      stop,
    }
    this.controllers.push(controller)
    controller.step()
    for (const part of [rights, ports, own, standing]) await part.start()
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
    while (this.controllers[0] !== undefined) await this.controllers[0].stop()
  }

  /** Time passes while a part stops, as it may wait for an answer. */
  async #stopped(part: Pick<Startable, 'stop'>): Promise<void> {
    const state = { isOver: false }
    const stopping = part.stop().finally(() => {
      state.isOver = true
    })
    while (!state.isOver) await this.#init.clock.advance(10)
    await stopping
  }
}

const podsOf = (real: ReadonlyMap<string, RealPod>): readonly CachePod[] =>
  [...real.values()].map(({ address, node, zone, ready }) => ({
    ...{ pod: `caches/${address}`, address, node, zone, ready, kind: 'node' as const },
    ...{ leaving: false, drained: false, cordoned: false },
  }))
