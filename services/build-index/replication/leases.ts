import type { Backend } from '../../../lib/backend/index.ts'
import {
  type AbortOptions,
  abortController,
  type Background,
  background,
  type Clock,
  hasCode,
  isAbort,
  type Random,
  type Startable,
  type Timer,
} from '../../../lib/base/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import type { IndexRecords } from '../index-records.ts'
import { type LiveMembers, liveMembers } from './live-members.ts'
import { replicationKeys } from './replication-keys.ts'

/** Renewals in the time of a lease. */
const RENEWALS = 4
/** Part of its time after which a holder that could not renew its lease stops. The rest is for the difference of clocks. */
const OWN_PART = 0.75

export interface LeasesComponents {
  readonly backend: Backend
  readonly records: IndexRecords
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/** One shard that this process holds. */
export interface Lease {
  readonly shard: number
  /** Greater for each holder of the shard than for all before; what is written under a lease carries it. */
  readonly generation: number
  /** Fires when the lease is lost or given back; the work must end. */
  readonly signal: AbortSignal
  /** False from the moment on from which another one may hold the shard. */
  isHeld(): boolean
}

/** Where the leases of one kind of work lie, and what logs call it. */
export interface LeasePlace {
  readonly of: string
  readonly lease: (shard: number) => string
  readonly members: string
}

export interface LeasesInit {
  /** Default: those of the replication. */
  readonly place?: LeasePlace
  /** Different for each start of each process. */
  readonly holder: string
  readonly shards: number
  /** After so long without a renewal another one may take a lease. */
  readonly leaseMs: number
  /** The work of a shard, from when it is held until the signal of the lease fires. */
  readonly work: (lease: Lease) => Promise<void>
}

/**
 * Divides shards among all processes that use the same backend, about as many for each. No shard is held by two at once,
 * however late their calls arrive, if their clocks run at about the same speed; what time they show does not matter.
 * Whoever finds a lease unchanged for its whole time, on the own clock, takes it by a conditional write; the holder
 * stops earlier than that after its last renewal was sent.
 */
export interface Leases extends Startable {
  readonly held: readonly number[]
}

export function leases(components: LeasesComponents, init: LeasesInit): Leases {
  return new ShardLeases(components, init)
}

interface Held {
  readonly lease: Lease
  readonly controller: AbortController
  etag: string
  untilMs: number
  timer: Timer | undefined
  readonly done: Promise<void>
}

class ShardLeases implements Leases {
  readonly #components: LeasesComponents
  readonly #init: LeasesInit
  readonly #place: LeasePlace
  readonly #members: LiveMembers
  readonly #held = new Map<number, Held>()
  /** Shards whose work is still ending, until it has. */
  readonly #ending = new Map<number, Promise<void>>()
  /** Leases of others, and since when they are unchanged. */
  readonly #seen = new Map<number, { readonly etag: string; readonly sinceMs: number }>()
  #running: Background | undefined

  constructor(components: LeasesComponents, init: LeasesInit) {
    this.#components = components
    this.#init = init
    this.#place = init.place ?? { of: 'replication', ...replicationKeys }
    const members = { self: init.holder, leaseMs: init.leaseMs, prefix: this.#place.members }
    this.#members = liveMembers(components, members)
  }

  get held(): readonly number[] {
    return [...this.#held.keys()]
  }

  async start(): Promise<void> {
    if (this.#running !== undefined) return
    const { logger } = this.#components
    this.#running = background((task, err) => logger.error('background task failed', { task, err }))
    this.#running.run('renewal of leases', (signal) => this.#keepOn((options) => this.#renewAll(options), signal))
    this.#running.run('search for shards', (signal) => this.#keepOn((options) => this.#round(options), signal))
  }

  async stop(): Promise<void> {
    const running = this.#running
    this.#running = undefined
    await running?.stop()
    await Promise.all([...this.#held.values()].map((held) => this.#giveBack(held)))
    await Promise.all(this.#ending.values())
    await this.#members.leave().catch(() => undefined)
  }

  async #keepOn(work: (options: AbortOptions) => Promise<void>, signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#components
    for (;;) {
      try {
        await work({ signal })
      } catch (err) {
        if (signal.aborted) return
        logger.warn('leases could not all be looked after; it is tried again', { of: this.#place.of, err })
      }
      await clock.sleep(this.#init.leaseMs / RENEWALS, { signal })
    }
  }

  async #renewAll(options: AbortOptions): Promise<void> {
    await Promise.all([...this.#held.values()].map((held) => this.#renew(held, options)))
  }

  /** Gives back what is too much, and looks at the shards that it does not hold. */
  async #round(options: AbortOptions): Promise<void> {
    const members = await this.#members.look(options)
    const share = Math.ceil(this.#init.shards / members)
    for (const held of [...this.#held.values()].slice(share)) await this.#giveBack(held)
    const from = Math.floor(this.#components.random.next() * this.#init.shards)
    for (let i = 0; i < this.#init.shards; i += 1) {
      const shard = (from + i) % this.#init.shards
      if (this.#held.has(shard) || this.#ending.has(shard)) continue
      await this.#look(shard, this.#held.size < share, options)
    }
  }

  async #renew(held: Held, options: AbortOptions): Promise<void> {
    const sentMs = this.#components.clock.monotonicMs()
    try {
      const { etag } = await this.#write(held.lease, this.#init.holder, { ifMatch: held.etag }, options)
      held.etag = etag
      this.#prolong(held, sentMs)
    } catch (err) {
      if (hasCode(err, 'BACKEND_PRECONDITION_FAILED')) this.#lose(held)
      else if (!isAbort(err)) this.#components.logger.warn('a lease was not renewed', { of: this.#place.of, err })
    }
  }

  /** Takes the shard if it may, and remembers what it saw. */
  async #look(shard: number, isWanted: boolean, options: AbortOptions): Promise<void> {
    const { records, clock } = this.#components
    const found = await records.read(this.#place.lease(shard), parseLease, options)
    const nowMs = clock.monotonicMs()
    const seen = this.#seen.get(shard)
    if (found !== undefined && seen?.etag !== found.etag) this.#seen.set(shard, { etag: found.etag, sinceMs: nowMs })
    const ageMs = found !== undefined && seen?.etag === found.etag ? nowMs - seen.sinceMs : 0
    const isFree = found === undefined || this.#isFree(found.value, ageMs)
    if (!isFree || !isWanted) return
    const condition = found === undefined ? { ifAbsent: true } : { ifMatch: found.etag }
    try {
      // The time makes it greater also when the lease of before is lost.
      const generation = Math.max((found?.value.generation ?? 0) + 1, Math.floor(clock.now()))
      const { etag } = await this.#write({ shard, generation }, this.#init.holder, condition, options)
      this.#begin({ shard, generation }, etag, nowMs)
    } catch (err) {
      if (!hasCode(err, 'BACKEND_PRECONDITION_FAILED')) throw err
    }
  }

  /** Whether a lease that has been unchanged for so long may be taken. */
  #isFree({ holder, leaseMs = this.#init.leaseMs }: StoredLease, ageMs: number): boolean {
    return holder === '' || holder === this.#init.holder || ageMs >= leaseMs
  }

  #begin({ shard, generation }: Numbered, etag: string, sentMs: number): void {
    const { clock, logger } = this.#components
    if (clock.monotonicMs() >= sentMs + this.#init.leaseMs * OWN_PART) return
    this.#seen.delete(shard)
    const controller = abortController()
    const isHeld = () => !controller.signal.aborted && clock.monotonicMs() < held.untilMs
    const lease: Lease = { shard, generation, signal: controller.signal, isHeld }
    const held: Held = {
      ...{ lease, controller, etag, untilMs: 0, timer: undefined },
      done: Promise.resolve()
        .then(() => this.#init.work(lease))
        .catch((err: unknown) => {
          if (!controller.signal.aborted) logger.error('the work of a shard failed', { of: this.#place.of, shard, err })
        }),
    }
    this.#held.set(shard, held)
    this.#prolong(held, sentMs)
    logger.info('took a shard', { of: this.#place.of, shard })
  }

  #prolong(held: Held, sentMs: number): void {
    const { clock } = this.#components
    held.timer?.cancel()
    if (held.controller.signal.aborted) return
    held.untilMs = sentMs + this.#init.leaseMs * OWN_PART
    held.timer = clock.setTimer(Math.max(0, held.untilMs - clock.monotonicMs()), () => this.#lose(held), {
      background: true,
    })
  }

  #lose(held: Held): void {
    if (held.controller.signal.aborted) return
    const { shard } = held.lease
    this.#components.logger.warn('lost a shard: its lease was not renewed in time', { of: this.#place.of, shard })
    this.#end(held).catch(() => undefined)
  }

  async #end(held: Held): Promise<void> {
    const { shard } = held.lease
    held.timer?.cancel()
    this.#held.delete(shard)
    this.#ending.set(shard, held.done)
    held.controller.abort()
    await held.done
    this.#ending.delete(shard)
  }

  /** Ends the work first, and then lets others have the shard. */
  async #giveBack(held: Held): Promise<void> {
    if (held.controller.signal.aborted) return
    await this.#end(held)
    try {
      await this.#write(held.lease, '', { ifMatch: held.etag }, {})
    } catch (err) {
      this.#components.logger.debug('a lease was not given back; it ends by itself', { err })
    }
  }

  #write({ shard, generation }: Numbered, holder: string, condition: object, { signal }: AbortOptions) {
    const nonce = Buffer.from(this.#components.random.bytes(6)).toString('hex')
    const bytes = Buffer.from(JSON.stringify({ holder, generation, leaseMs: this.#init.leaseMs, nonce }))
    return this.#components.backend.write(this.#place.lease(shard), bytes, {
      ...{ size: bytes.length, signal },
      ...condition,
    })
  }
}

type Numbered = Pick<Lease, 'shard' | 'generation'>

/** A lease as it is stored: others wait for the time that its holder has, not for their own. */
interface StoredLease {
  readonly holder: string
  readonly generation: number
  readonly leaseMs: number | undefined
}

function parseLease(value: unknown): StoredLease {
  const { holder, generation, leaseMs } = value as Partial<StoredLease>
  return {
    holder: String(holder),
    generation: Number.isSafeInteger(generation) ? Number(generation) : 0,
    leaseMs: typeof leaseMs === 'number' ? leaseMs : undefined,
  }
}
