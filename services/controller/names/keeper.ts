import {
  type AbortOptions,
  anySignal,
  appError,
  backoffMs,
  type Clock,
  deadline,
  isAbort,
  type Random,
  type Rounds,
  rounds,
  type Startable,
  type TokenBucket,
  toAppError,
  tokenBucket,
} from '../../../lib/base/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import { isIdle, type KeeperState, NO_STATE, NOTHING, type Removal } from './keeper-state.ts'
import { type RecordKey, recordKey } from './record-key.ts'
import type { CacheLoad, CachePod } from './rules/cache-pod.ts'
import { judge, type Memory, type NamesRule, newMemory } from './rules/judge.ts'
import { zoneName } from './rules/names-of.ts'
import { type FoundRecord, type Plan, type Power, planOf, type WantedRecord } from './rules/plan.ts'
import { MOST_AT_ONCE, type Zone } from './zone.ts'

/** The pods as they were last seen; undefined until they have been listed once. */
export type SeePods = () => readonly CachePod[] | undefined

export interface KeeperComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly zone: Zone
  readonly pods: SeePods
  readonly answers: (address: string) => boolean | undefined
  readonly loadOf: (address: string) => CacheLoad | undefined
  /** Told of what the zone was told; must not throw. */
  readonly observer: KeeperObserver
}

export interface KeeperObserver {
  /** A write that the zone has taken. */
  written(what: 'put' | 'remove', records: readonly RecordKey[]): void
  /** A call of the zone that failed. */
  failed(call: ZoneCall, err: unknown): void
  /** Called after each round. */
  looked(state: KeeperState): void
}

export type ZoneCall = 'read' | 'put' | 'remove'

export interface KeeperInit {
  readonly rule: NamesRule
  /** Of the records, seconds. */
  readonly ttl: number
  /** Writes to the zone in a second; and how many may come at once after a quiet time. */
  readonly writesPerSecond: number
  readonly writesAtOnce: number
}

/** The right to write, as long as it lasts. */
export interface Mandate {
  readonly power: Power
  /** Fires when it ends. */
  readonly signal: AbortSignal
  /** Called directly before each write. @throws when it has ended, though the signal may not have fired yet */
  assert(): void
}

/** Keeps the records of all names as the rules say. It looks always, and writes while it has a mandate. */
export interface Keeper extends Startable {
  readonly state: KeeperState
  /** Undefined: nobody writes. */
  empower(mandate: Mandate | undefined): void
}

/** Between two looks. */
const LOOK_MS = 1_000
/** Between two looks of a process that does not write. */
const STANDBY_MS = 5_000
/**
 * What the zone said is believed for so long when there is nothing to do. Who does not write looks more often, as the
 * records are not its own doing: it has to know whom to probe when it becomes the leader.
 */
const READ_MS = 15_000
const STANDBY_READ_MS = 3_000
/** After failures of the zone: a dead cache must not stay named for long when it comes back. */
const RETRY = { baseMs: 500, maxMs: 3_000, attempts: Number.POSITIVE_INFINITY }
const LEAST_RETRY_MS = 250
/** Longest wait for one call of the zone. */
const LONGEST_MS = { read: 5_000, put: 3_000, remove: 3_000 }

export function keeper(components: KeeperComponents, init: KeeperInit): Keeper {
  return new NamesKeeper(components, init)
}

class NamesKeeper implements Keeper {
  readonly #components: KeeperComponents
  readonly #init: KeeperInit
  readonly #memory: Memory = newMemory()
  readonly #writes: TokenBucket
  readonly #rounds: Rounds
  /** Records that the zone has said to be removed, until it shows them no more. */
  readonly #removed = new Set<string>()
  #mandate: Mandate | undefined
  #state: KeeperState = { ...NO_STATE }
  #readMs = Number.NEGATIVE_INFINITY
  #removal: Removal = { tried: new Set(), atMs: Number.NEGATIVE_INFINITY }
  #judgedMs = Number.NEGATIVE_INFINITY
  #failures = 0

  constructor(components: KeeperComponents, init: KeeperInit) {
    this.#components = components
    this.#init = init
    const { writesPerSecond: ratePerSecond, writesAtOnce: burst } = init
    this.#writes = tokenBucket(components.clock, { ratePerSecond, burst })
    this.#rounds = rounds(components.clock, {
      work: (signal) => this.#round(signal),
      onFailure: (err) => components.logger.error('a look at the names failed', { err }),
      retryMs: LOOK_MS,
    })
  }

  get state(): KeeperState {
    return { ...this.#state, power: this.#mandate?.power ?? 'none' }
  }

  empower(mandate: Mandate | undefined): void {
    this.#mandate = mandate
    this.#rounds.ask()
  }

  async start(): Promise<void> {
    await this.#rounds.start()
  }

  async stop(): Promise<void> {
    await this.#rounds.stop()
  }

  /** Returns the pause until the next one. */
  async #round(signal: AbortSignal): Promise<number> {
    const { clock, random, observer } = this.#components
    const mandate = this.#mandate
    let pauseMs = LOOK_MS
    try {
      await this.#step(mandate, mandate === undefined ? signal : anySignal([signal, mandate.signal]))
      this.#failures = 0
      this.#state = { ...this.#state, failure: undefined }
    } catch (err) {
      if (signal.aborted) throw err
      if (mandate?.signal.aborted !== true) {
        const { code, message } = toAppError(err)
        this.#state = { ...this.#state, failure: { code, message, atMs: clock.now() } }
        pauseMs = Math.max(LEAST_RETRY_MS, backoffMs(RETRY, this.#failures, random))
        this.#failures += 1
      }
    }
    observer.looked(this.state)
    return pauseMs
  }

  async #step(mandate: Mandate | undefined, signal: AbortSignal): Promise<void> {
    const { clock } = this.#components
    const readMs = mandate === undefined ? STANDBY_READ_MS : READ_MS
    if (clock.monotonicMs() - this.#readMs >= readMs) await this.#read(signal)
    const power = mandate?.power ?? 'leader'
    // Who only looks on does it less often.
    if (mandate === undefined && clock.monotonicMs() - this.#judgedMs < STANDBY_MS) return
    if (isIdle(this.#judge(power)) || mandate === undefined) return
    // Nothing is done by what the zone said a while ago.
    await this.#read(signal)
    const { put } = this.#judge(power)
    let failure: unknown
    if (put.length > 0) {
      // What is dead has to go although nothing can be added: the zone may be full.
      failure = await this.#put(put, mandate, signal).catch((err: unknown) => err)
      if (signal.aborted) throw toAppError(failure)
      await this.#read(signal)
    }
    const remove = this.#allowed(this.#judge(power).remove, power)
    if (remove.length > 0) await this.#remove(remove, mandate, signal)
    if (failure !== undefined) throw toAppError(failure)
  }

  /**
   * What may be removed now. Whoever led last takes the same again, and nothing else until all that another leader may have
   * begun at the same moment has ended, and shows.
   */
  #allowed(remove: readonly FoundRecord[], power: Power): readonly FoundRecord[] {
    const { tried, atMs } = this.#removal
    if (power === 'leader' || this.#components.clock.monotonicMs() - atMs >= LONGEST_MS.remove) return remove
    return remove.filter((record) => tried.has(recordKey(record)))
  }

  /** What is to be done, from what is known now. */
  #judge(power: Power): Plan {
    const { clock, pods: see, answers, loadOf } = this.#components
    const { found } = this.#state
    const pods = see()
    if (found === undefined || pods === undefined) return NOTHING
    const input = { pods, found, answers, loadOf, nowMs: clock.monotonicMs() }
    const judgement = judge(input, this.#init.rule, this.#memory)
    this.#judgedMs = input.nowMs
    const { wanted, standing } = judgement
    // After a start: who has not been asked yet is not replaced by who has.
    const isEarly = found.some(({ address, own }) => own && standing(address) === 'unknown')
    const plan = isEarly ? NOTHING : planOf({ wanted, standing, found, power, ttl: this.#init.ttl })
    this.#state = { ...this.#state, judgement, plan }
    return plan
  }

  async #read(signal: AbortSignal): Promise<void> {
    const { clock, zone, pods: see } = this.#components
    const { base, perZone } = this.#init.rule
    const zones = perZone ? (see() ?? []).flatMap(({ zone: its }) => (its === undefined ? [] : [its])) : []
    const names = [...new Set([base, ...zones.map((its) => zoneName(base, its))])]
    const found = await this.#call('read', signal, (options) => zone.read(names, options))
    const keys = new Set(found.map(recordKey))
    for (const key of this.#removed) if (!keys.has(key)) this.#removed.delete(key)
    const seen = found.map((record) => (this.#removed.has(recordKey(record)) ? { ...record, doubtful: true } : record))
    this.#readMs = clock.monotonicMs()
    this.#state = { ...this.#state, found: seen }
  }

  async #put(records: readonly WantedRecord[], mandate: Mandate, signal: AbortSignal): Promise<void> {
    const { zone, clock } = this.#components
    const replacing = this.#state.judgement?.replacing ?? []
    await this.#write('put', records, { mandate, signal }, async (some, options) => {
      await zone.put(some, options)
      for (const record of some) this.#removed.delete(recordKey(record))
    })
    for (const name of replacing) this.#memory.replacedMs.set(name, clock.monotonicMs())
  }

  async #remove(records: readonly FoundRecord[], mandate: Mandate, signal: AbortSignal): Promise<void> {
    const { zone, clock } = this.#components
    this.#removal = { tried: new Set(records.map(recordKey)), atMs: clock.monotonicMs() }
    await this.#write('remove', records, { mandate, signal }, async (some, options) => {
      await zone.remove(some, options)
      for (const record of some) this.#removed.add(recordKey(record))
    })
    // What was removed is looked for again soon.
    this.#readMs = Number.NEGATIVE_INFINITY
  }

  async #write<T extends FoundRecord | WantedRecord>(
    what: 'put' | 'remove',
    records: readonly T[],
    { mandate, signal }: { readonly mandate: Mandate; readonly signal: AbortSignal },
    send: (some: readonly T[], options: AbortOptions) => Promise<void>,
  ): Promise<void> {
    const { clock, observer } = this.#components
    for (let at = 0; at < records.length; at += MOST_AT_ONCE) {
      const some = records.slice(at, at + MOST_AT_ONCE)
      await this.#writes.take(1, { signal })
      mandate.assert()
      await this.#call(what, signal, (options) => send(some, options))
      this.#state = { ...this.#state, writtenMs: clock.now() }
      observer.written(what, some)
    }
  }

  async #call<T>(call: ZoneCall, outer: AbortSignal, work: (options: AbortOptions) => Promise<T>): Promise<T> {
    const cut = deadline(this.#components.clock, LONGEST_MS[call], outer)
    try {
      return await work({ signal: cut.signal })
    } catch (err) {
      if (outer.aborted) throw err
      const failure = isAbort(err) && cut.expired ? appError('ZONE_UNAVAILABLE', { cause: err }) : err
      this.#components.observer.failed(call, failure)
      throw failure
    } finally {
      cut.release()
    }
  }
}
