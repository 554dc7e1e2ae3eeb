import {
  type AbortOptions,
  abortable,
  type Background,
  background,
  backoffMs,
  deferred,
  hasCode,
  isAppError,
} from '../../../lib/base/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import type { WatchEvent } from './kube.ts'
import { listAll, MOST_OBJECTS, tooMany } from './list-all.ts'
import { keyOf } from './object.ts'
import { type ObjectTable, objectTable } from './object-table.ts'
import { type WatchMeters, watchMeters } from './watch-meters.ts'
import type {
  Freshness,
  ObjectChange,
  WatchedObjects,
  WatchedObjectsComponents,
  WatchedObjectsInit,
} from './watched-objects.ts'

const DEFAULT_SILENCE_MS = 150_000
/** The server is asked to end a watch after a time between this and twice this: not all of them begin anew at once. */
const WATCH_MS = 5 * 60_000
/** A watch that ends sooner, and has told nothing, counts as failed: something on the way cuts it off. */
const SHORT_WATCH_MS = 1_000
const RETRY = { baseMs: 500, maxMs: 30_000, attempts: Number.POSITIVE_INFINITY }
/** No server has us wait longer. */
const MAX_RETRY_AFTER_MS = 60_000

/** See WatchedObjects. */
export function watchedObjects<T>(
  components: WatchedObjectsComponents,
  init: WatchedObjectsInit<T>,
): WatchedObjects<T> {
  return new Following(components, init)
}

/** List, watch from there, and again from where the watch has ended: one round after the other. */
class Following<T> implements WatchedObjects<T> {
  readonly #components: WatchedObjectsComponents
  readonly #init: WatchedObjectsInit<T>
  readonly #most: number
  readonly #table: ObjectTable<T> = objectTable()
  readonly #firstList = deferred()
  readonly #meters: WatchMeters
  readonly #logger: Logger
  #heardMs: number | undefined
  /** All changes up to this version are in the table; undefined: a list is needed. */
  #version: string | undefined
  /** In a row: since a watch was of use. */
  #failures = 0
  #tasks: Background | undefined

  constructor(components: WatchedObjectsComponents, init: WatchedObjectsInit<T>) {
    this.#components = components
    this.#init = init
    this.#most = init.most ?? MOST_OBJECTS
    this.#meters = watchMeters(components.metrics, init.resource)
    this.#logger = components.logger.child({ resource: init.resource.plural })
  }

  get items(): ReadonlyMap<string, T> {
    return this.#table.items
  }

  get freshness(): Freshness {
    return this.#table.freshness
  }

  get heardMs(): number | undefined {
    return this.#heardMs
  }

  onChange(listener: (change: ObjectChange<T>) => void): () => void {
    return this.#table.onChange(listener)
  }

  listed({ signal }: AbortOptions = {}): Promise<void> {
    return abortable(this.#firstList.promise, signal)
  }

  async start(): Promise<void> {
    if (this.#tasks !== undefined) return
    this.#tasks = background((_, err) => this.#logger.error('failed to follow objects', { err }))
    this.#tasks.run('follow', (signal) => this.#follow(signal))
  }

  async stop(): Promise<void> {
    const tasks = this.#tasks
    this.#tasks = undefined
    await tasks?.stop()
    this.#loseTouch()
  }

  async #follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const pauseMs = await this.#round(signal)
      if (pauseMs > 0) await this.#components.clock.sleep(pauseMs, { signal })
    }
  }

  /** Returns the pause before the next round. */
  async #round(signal: AbortSignal): Promise<number> {
    try {
      this.#version ??= await this.#list(signal)
      const wasOfUse = await this.#watch(this.#version, signal)
      return wasOfUse ? 0 : this.#pauseAfter(undefined)
    } catch (err) {
      if (signal.aborted) return 0
      const isGone = hasCode(err, 'KUBE_GONE')
      // Of too many objects it is known only by a list when they are fewer.
      if (isGone || hasCode(err, 'KUBE_TOO_MANY')) this.#version = undefined
      this.#tellFailure(err)
      const pauseMs = this.#pauseAfter(err)
      // The first time, a new list mends it.
      return isGone && this.#failures === 1 ? 0 : pauseMs
    }
  }

  async #list(signal: AbortSignal): Promise<string> {
    const { all, resourceVersion } = await listAll(
      this.#components.kube.reads,
      { ...this.#init, most: this.#most },
      { signal },
    )
    this.#meters.lists.add()
    this.#table.putAll(all)
    this.#heard()
    this.#firstList.resolve()
    return resourceVersion
  }

  /** Resolves when the server ends the watch: whether it was of use. */
  async #watch(resourceVersion: string, signal: AbortSignal): Promise<boolean> {
    const { kube, clock, random } = this.#components
    const { resource, namespace, labels, fields, silenceMs = DEFAULT_SILENCE_MS } = this.#init
    const timeoutMs = WATCH_MS * (1 + random.next())
    const query = { namespace, labels, fields, resourceVersion, timeoutMs, silenceMs }
    const events = await kube.reads.watch(resource, query, { signal })
    this.#heard()
    const beganMs = clock.monotonicMs()
    let told = false
    const wasOfUse = () => told || clock.monotonicMs() - beganMs >= SHORT_WATCH_MS
    try {
      for await (const event of events) {
        this.#take(event)
        told = true
        this.#heard()
      }
      return wasOfUse()
    } finally {
      if (wasOfUse()) this.#failures = 0
    }
  }

  /** @throws KUBE_TOO_MANY */
  #take(event: WatchEvent): void {
    if (event.type !== 'bookmark') {
      const key = keyOf(event.object)
      const item = event.type === 'put' ? this.#init.keep(event.object) : undefined
      if (item !== undefined && !this.items.has(key) && this.items.size >= this.#most)
        throw tooMany(this.#init.resource, this.#most)
      this.#table.put(key, item === undefined ? undefined : { item, version: event.resourceVersion })
    }
    this.#version = event.resourceVersion
  }

  #heard(): void {
    this.#heardMs = this.#components.clock.monotonicMs()
    if (this.freshness === 'lastKnown') this.#logger.info('objects are followed again')
    this.#table.become('fresh')
    this.#meters.objects.set(this.items.size)
    this.#meters.fresh.set(1)
  }

  #loseTouch(): void {
    if (this.freshness === 'fresh') this.#table.become('lastKnown')
    this.#meters.fresh.set(0)
  }

  #tellFailure(err: unknown): void {
    const isFirst = this.freshness === 'fresh' || this.#failures === 0
    this.#loseTouch()
    this.#meters.failures.add()
    if (isFirst) this.#logger.warn('failed to follow objects; what is known stays, and it is tried again', { err })
    else this.#logger.debug('failed again to follow objects', { err })
  }

  /** Counts a failure; the pause grows with those in a row, and is as long as the server wishes. */
  #pauseAfter(err: unknown): number {
    const { random } = this.#components
    const own = backoffMs(RETRY, this.#failures, random)
    this.#failures += 1
    const wished = isAppError(err) ? err.detail?.['retryAfterMs'] : undefined
    return Math.max(own, typeof wished === 'number' ? Math.min(wished, MAX_RETRY_AFTER_MS) : 0)
  }
}
