import {
  abortable,
  type Background,
  backoffMs,
  type Clock,
  deadline,
  isAbort,
  type Random,
  type Timer,
} from '../../base/index.ts'
import type { SwarmId } from '../../core/index.ts'
import type { Logger } from '../../telemetry/index.ts'
import type { Announcer, AnnouncingNode, SeedChange, SeedRef, SeedsTold } from '../outside.ts'

export interface SeedScheduleComponents {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly announcer: Pick<Announcer, 'tellSeeds'>
}

export interface SeedScheduleInit {
  readonly self: () => AnnouncingNode
  readonly tasks: () => Background
}

/** Awaited changes within this time are told together. */
const COALESCE_MS = 20
/** The same for changes that nobody waits for. */
const LEISURE = { minMs: 1_000, spreadMs: 1_000 }
const RETRY = { baseMs: 1_000, maxMs: 30_000, attempts: Number.POSITIVE_INFINITY }
const JITTER = 0.2
const STOP_MS = 2_000

/**
 * When the trackers are told what this node has completely: all its blobs together, and only what has changed. Awaited
 * changes go at once; the others wait until the last announce is a second or two ago.
 */
export class SeedSchedule {
  readonly #components: SeedScheduleComponents
  readonly #init: SeedScheduleInit
  readonly #seeds = new Map<SwarmId, SeedRef>()
  /** Not told yet; of several changes of one blob only the last counts. */
  #changes = new Map<SwarmId, SeedChange>()
  #change: { readonly timer: Timer; readonly atMs: number } | undefined
  #beat: { readonly timer: Timer; readonly atMs: number } | undefined
  #sentMs = Number.NEGATIVE_INFINITY
  #leisureMs = 0
  #failures = 0
  #running = false

  constructor(components: SeedScheduleComponents, init: SeedScheduleInit) {
    this.#components = components
    this.#init = init
  }

  /** Tells at once what the node has, be it nothing: then the trackers hear that it is there. */
  start(): void {
    this.#running = true
    this.#wake(true)
  }

  /** No further announce; the seeds are kept for `sayGoodbye`. */
  pause(): void {
    this.#running = false
    this.#change?.timer.cancel()
    this.#beat?.timer.cancel()
    this.#change = undefined
    this.#beat = undefined
  }

  /** Tells the trackers, within a bound, that the node has nothing any longer. */
  async sayGoodbye(): Promise<void> {
    for (const [swarmId, blob] of this.#seeds) this.#changes.set(swarmId, { blob, swarmId, seeded: false })
    this.#seeds.clear()
    const changes = this.#taken()
    if (changes.length === 0) return
    const { clock, logger } = this.#components
    const limit = deadline(clock, STOP_MS)
    try {
      await this.#tell(changes, limit.signal)
    } catch (err) {
      if (!isAbort(err)) logger.warn('failed to announce the end of the seeds', { err })
    } finally {
      limit.release()
    }
  }

  has(swarmId: SwarmId): boolean {
    return this.#seeds.has(swarmId)
  }

  /** The node has the blob. `awaited`: others may be waiting to hear of it. */
  add(blob: SeedRef, swarmId: SwarmId, { awaited }: { readonly awaited: boolean }): void {
    if (this.#seeds.has(swarmId)) return
    this.#seeds.set(swarmId, blob)
    this.#changes.set(swarmId, { blob, swarmId, seeded: true })
    this.#wake(awaited)
  }

  /** The node no longer has the blob. False when it did not have it. */
  remove(swarmId: SwarmId): boolean {
    const blob = this.#seeds.get(swarmId)
    if (blob === undefined) return false
    this.#seeds.delete(swarmId)
    this.#changes.set(swarmId, { blob, swarmId, seeded: false })
    this.#wake(false)
    return true
  }

  /** True while the trackers have not been told of the last change of this blob. */
  isPending(swarmId: SwarmId): boolean {
    return this.#changes.has(swarmId)
  }

  /** Tells without changes at that time at the latest: who is to hear of some seeds has changed. */
  tellAgainAt(atMs: number): void {
    if (this.#seeds.size > 0) this.#beatAt(atMs)
  }

  /** Tells what has changed so far, now. */
  flush(): void {
    if (!this.#running) return
    this.#change?.timer.cancel()
    this.#change = undefined
    this.#run(this.#taken())
  }

  get #now(): number {
    return this.#components.clock.monotonicMs()
  }

  #taken(): readonly SeedChange[] {
    const changes = [...this.#changes.values()]
    this.#changes = new Map()
    return changes
  }

  #wake(awaited: boolean): void {
    if (!this.#running) return
    const atMs = Math.max(this.#now, this.#sentMs + (awaited ? COALESCE_MS : this.#leisureMs))
    if (this.#change !== undefined && this.#change.atMs <= atMs) return
    this.#change?.timer.cancel()
    this.#change = { atMs, timer: this.#timer(atMs, () => this.flush()) }
  }

  #beatAt(atMs: number): void {
    if (!this.#running || (this.#beat !== undefined && this.#beat.atMs <= atMs)) return
    this.#beat?.timer.cancel()
    const onBeat = () => {
      this.#beat = undefined
      this.#run([])
    }
    this.#beat = { atMs, timer: this.#timer(atMs, onBeat) }
  }

  #timer(atMs: number, fn: () => void): Timer {
    return this.#components.clock.setTimer(Math.max(0, atMs - this.#now), fn, { background: true })
  }

  #run(changes: readonly SeedChange[]): void {
    const { random, logger } = this.#components
    this.#sentMs = this.#now
    this.#leisureMs = LEISURE.minMs + random.next() * LEISURE.spreadMs
    this.#init.tasks().run('announce-seeds', async (signal) => {
      try {
        this.#onTold(await this.#tell(changes, signal))
      } catch (err) {
        if (signal.aborted) return
        logger.warn('failed to announce seeds', { err })
        this.#onTold({ told: false, intervalMs: undefined })
      }
    })
  }

  #onTold({ told, intervalMs }: SeedsTold): void {
    const { random } = this.#components
    if (told) this.#failures = 0
    else this.#beatAt(this.#now + Math.max(COALESCE_MS, backoffMs(RETRY, this.#failures++, random)))
    if (intervalMs !== undefined) this.#beatAt(this.#now + intervalMs * (1 + (random.next() - 0.5) * JITTER))
  }

  #tell(changes: readonly SeedChange[], signal: AbortSignal): Promise<SeedsTold> {
    return abortable(this.#components.announcer.tellSeeds(this.#init.self(), changes, { signal }), signal)
  }
}
