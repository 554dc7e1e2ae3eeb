import { fakeClock, type Random, seededRandom } from '../../../lib/base/index.ts'
import { noFaults, type ZoneFaults } from './memory-zone.ts'
import { NamesLab, OWNER, type RealPod } from './names-lab.ts'

const PODS = 1_000
export const ZONES = ['cn-beijing-a', 'cn-beijing-b', 'cn-beijing-c']
/** A dead cache stands in the records no longer than this; resolvers keep it for the TTL beyond. */
const MOST_DEAD_MS = 10_000
/** The same when the leader is killed just before it takes the cache out: with the shortest TTL. */
const MOST_DEAD_AFTER_KILL_MS = 5_000 + MOST_DEAD_MS
/** A cache that has been good for so long is known to be so by every controller that runs. */
const KNOWN_GOOD_MS = 30_000

const pick = <T>(items: readonly T[], random: Random): T | undefined => items[Math.floor(random.next() * items.length)]

/** Pods that come, go, lose their readiness or fail only the probe. */
class Cluster {
  readonly pods = new Map<string, RealPod>()
  readonly #random: Random
  readonly #goodMs = new Map<string, number>()
  #count = 0

  constructor(random: Random) {
    this.#random = random
    for (let i = 0; i < PODS; i += 1) this.come()
  }

  come(): void {
    this.#count += 1
    const zone = ZONES[this.#count % ZONES.length] ?? ''
    const address = `10.${this.#count >> 16}.${(this.#count >> 8) & 255}.${this.#count & 255}`
    this.pods.set(address, { address, zone, node: `node-${this.#count % 100}`, ready: true, alive: true })
  }

  /** One pod has an accident; `named` are hit more often than chance would have it. */
  accident(named: readonly string[]): void {
    const address = this.#random.next() < 0.3 ? pick(named, this.#random) : pick([...this.pods.keys()], this.#random)
    const pod = this.pods.get(address ?? '')
    if (pod === undefined) return
    const kind = this.#random.next()
    if (kind < 0.4) {
      this.pods.delete(pod.address)
      this.come()
    } else if (kind < 0.7) pod.ready = !pod.ready
    else pod.alive = !pod.alive
  }

  isGood(address: string): boolean {
    const pod = this.pods.get(address)
    return pod?.ready === true && pod.alive
  }

  /** Somebody must not be sent to where nobody answers. */
  isDead(address: string): boolean {
    return this.pods.get(address)?.alive !== true
  }

  pass(ms: number): void {
    for (const address of this.pods.keys())
      this.#goodMs.set(address, this.isGood(address) ? (this.#goodMs.get(address) ?? 0) + ms : 0)
  }

  get hasKnownGood(): boolean {
    return [...this.pods.keys()].some((address) => (this.#goodMs.get(address) ?? 0) >= KNOWN_GOOD_MS)
  }
}

/** What must hold at every moment. */
class Promises {
  readonly #lab: NamesLab
  readonly #cluster: Cluster
  readonly #deadMs = new Map<string, number>()
  readonly #known = new Set<string>()
  mostDeadMs = MOST_DEAD_MS
  /** The zone takes writes: what it refuses nobody can promise. */
  zoneWrites = true
  readonly broken: string[] = []

  constructor(lab: NamesLab, cluster: Cluster) {
    this.#lab = lab
    this.#cluster = cluster
  }

  /** The name has been there once: it must not be empty any more. */
  removed(name: string): void {
    if (this.#lab.zone.addresses(name).length === 0) this.broken.push(`${name} is empty`)
  }

  pass(ms: number): void {
    const { zone } = this.#lab
    const now = new Set<string>()
    for (const { name, address, owner } of zone.records.values()) {
      if (owner !== OWNER || !this.#cluster.isDead(address)) continue
      const key = `${name} ${address}`
      now.add(key)
      // Without the API server nothing is added, and no name loses half of what it has in one step.
      const isBound = this.#lab.apiIsUp || this.#deadIn(name) * 2 < zone.addresses(name).length
      if (!this.zoneWrites) this.#deadMs.delete(key)
      else if (isBound && this.#cluster.hasKnownGood) this.#deadMs.set(key, (this.#deadMs.get(key) ?? 0) + ms)
      if ((this.#deadMs.get(key) ?? 0) > this.mostDeadMs) this.broken.push(`${key} is dead for too long`)
    }
    for (const key of this.#deadMs.keys()) if (!now.has(key)) this.#deadMs.delete(key)
    for (const { name } of zone.records.values()) this.#known.add(name)
    for (const name of this.#known) this.removed(name)
  }

  #deadIn(name: string): number {
    return this.#lab.zone.addresses(name).filter((address) => this.#cluster.isDead(address)).length
  }
}

const faultsOf = (random: Random): ZoneFaults => ({
  ...noFaults(),
  failing: random.next() * 0.1,
  throttled: random.next() * 0.1,
  halfWay: random.next() * 0.1,
  forgotten: random.next() * 0.1,
  blind: random.next() * 0.2,
})

/** What happens for a while, besides the accidents of pods. */
export const phases = [
  'quiet',
  'no-api',
  'no-zone',
  'throttled',
  'by-hand',
  'killed-leader',
  'stopped-leader',
  'cut-off-leader',
  'all-silent',
] as const
export type Phase = (typeof phases)[number]

/** A cluster of 1,000 pods with two controllers, to which things happen. */
export class World {
  readonly #random: Random
  readonly cluster: Cluster
  readonly lab: NamesLab
  readonly promises: Promises
  readonly faults: ZoneFaults

  constructor(seed: number) {
    this.#random = seededRandom(seed)
    this.cluster = new Cluster(this.#random)
    this.faults = faultsOf(this.#random)
    const { faults } = this
    const onRemoved = (name: string) => this.promises.removed(name)
    this.lab = new NamesLab({
      ...{ clock: fakeClock(), random: this.#random, faults, pods: this.cluster.pods, onRemoved },
    })
    this.promises = new Promises(this.lab, this.cluster)
  }

  async pass(seconds: number, accidents: number): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      const named = [...this.lab.zone.records.values()].map(({ address }) => address)
      for (let i = 0; i < this.#random.next() * accidents; i += 1) this.cluster.accident(named)
      await this.lab.pass(1_000, (ms) => {
        this.cluster.pass(ms)
        this.promises.pass(ms)
      })
    }
  }

  async run(phase: Phase): Promise<void> {
    await this.#acts[phase]()
    await this.pass(3, 8)
  }

  readonly #acts: Readonly<Record<Phase, () => Promise<void>>> = {
    quiet: () => this.pass(15, 8),
    'no-api': async () => {
      this.lab.apiIsUp = false
      await this.pass(25, 4)
      this.lab.apiIsUp = true
    },
    'no-zone': async () => {
      this.promises.zoneWrites = false
      this.faults.out = this.#random.next() < 0.5 ? 'ZONE_THROTTLED' : 'ZONE_UNAVAILABLE'
      await this.pass(8, 8)
      this.faults.out = undefined
      this.promises.zoneWrites = true
    },
    throttled: async () => {
      const before = this.faults.throttled
      this.faults.throttled = 0.4
      await this.pass(15, 8)
      this.faults.throttled = before
    },
    'by-hand': async () => {
      const ours = [...this.lab.zone.records.values()].filter(({ owner }) => owner === OWNER)
      for (const record of ours) if (this.#random.next() < 0.4) this.#loseByHand(record)
      await this.pass(10, 8)
    },
    'killed-leader': async () => {
      this.promises.mostDeadMs = MOST_DEAD_AFTER_KILL_MS
      await this.#leader?.kill()
      await this.pass(12, 8)
      this.promises.mostDeadMs = MOST_DEAD_MS
      await this.lab.startController()
    },
    'stopped-leader': async () => {
      await this.#leader?.stop()
      await this.pass(6, 8)
      await this.lab.startController()
    },
    'cut-off-leader': async () => {
      const leader = this.#leader
      if (leader !== undefined) leader.reaches = false
      await this.pass(20, 8)
      if (leader !== undefined) leader.reaches = true
    },
    'all-silent': async () => {
      const silent = [...this.cluster.pods.values()].filter(({ alive }) => alive)
      for (const pod of silent) pod.alive = false
      await this.pass(12, 0)
      for (const pod of silent) pod.alive = true
    },
  }

  get #leader() {
    return this.lab.controllers.find(({ keeper }) => keeper.state.power === 'leader')
  }

  /** Whoever empties a name by hand has emptied it. */
  #loseByHand(record: { readonly id: string; readonly name: string }): void {
    if (this.lab.zone.addresses(record.name).length > 1) this.lab.zone.lose(record)
  }
}
