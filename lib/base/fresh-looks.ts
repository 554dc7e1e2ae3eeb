import { abortable, abortController, throwIfAborted } from './abort.ts'
import { anySignal } from './any-signal.ts'
import type { AbortOptions, Clock } from './clock.ts'
import { type CountCache, countCache } from './count-cache.ts'

/**
 * Looks for what may be nowhere: they cost little, however many ask for it, and nobody gets an answer that was old when
 * he asked.
 *
 *     ask ──┐                ask, ask ──┐ share the second look: the first began before they came
 *           ├── first look ─────────────┼── second look ──
 *
 * At most one look for a name is under way. What is remembered of one that found nothing is when it began, never that
 * it found nothing: the next one begins `pauseMs` later, for all who came meanwhile.
 */
export interface FreshLooks<V> {
  /**
   * What a look finds that begins after this call; undefined when there is nothing. `work` is aborted when nobody waits
   * for it any more. @throws ABORTED, and what `work` throws
   */
  look(
    name: string,
    work: (signal: AbortSignal) => Promise<V | undefined>,
    options?: AbortOptions,
  ): Promise<V | undefined>
  /** Something has come under the name: the next look does not wait. */
  came(name: string): void
}

export interface FreshLooksInit {
  /** Milliseconds from the begin of a look that finds nothing to the next one for the same name. */
  readonly pauseMs: number
  /** Names with such a pause; beyond them the oldest is looked for without a pause. */
  readonly maxNames: number
}

interface Look<V> {
  readonly left: AbortController
  readonly result: Promise<V | undefined>
  waiters: number
  /** Nothing of it goes on, so there is nothing to abort: that costs more than many a look. */
  isOver: boolean
}

/** What goes on for one name; it is forgotten when nothing does. */
interface Name<V> {
  /** Settles when the look that is under way has ended; never fails. */
  underWay: Promise<void> | undefined
  /** How often it has come: when it comes while a look is under way, what that finds says nothing about the next. */
  comings: number
  /** The look that has not begun yet. */
  next: Look<V> | undefined
  /** Ends its pause. */
  wake: AbortController
}

export function freshLooks<V>(clock: Clock, init: FreshLooksInit): FreshLooks<V> {
  return new NamedLooks(clock, init)
}

class NamedLooks<V> implements FreshLooks<V> {
  readonly #clock: Clock
  readonly #pauseMs: number
  readonly #names = new Map<string, Name<V>>()
  /** When the last look began that found nothing. */
  readonly #inVain: CountCache<number>

  constructor(clock: Clock, { pauseMs, maxNames }: FreshLooksInit) {
    this.#clock = clock
    this.#pauseMs = pauseMs
    this.#inVain = countCache(clock, { ttlMs: pauseMs, maxEntries: maxNames })
  }

  async look(key: string, work: (signal: AbortSignal) => Promise<V | undefined>, { signal }: AbortOptions = {}) {
    throwIfAborted(signal)
    const name = this.#name(key)
    name.next ??= this.#plan(key, name, work)
    const look = name.next
    look.waiters += 1
    try {
      return await abortable(look.result, signal)
    } finally {
      look.waiters -= 1
      if (look.waiters === 0) {
        if (name.next === look) name.next = undefined
        if (!look.isOver) look.left.abort()
      }
    }
  }

  came(key: string): void {
    this.#inVain.delete(key)
    const name = this.#names.get(key)
    if (name === undefined) return
    name.comings += 1
    name.wake.abort()
  }

  #name(key: string): Name<V> {
    const known = this.#names.get(key)
    if (known !== undefined) return known
    const name = { underWay: undefined, comings: 0, next: undefined, wake: abortController() }
    this.#names.set(key, name)
    return name
  }

  #plan(key: string, name: Name<V>, work: (signal: AbortSignal) => Promise<V | undefined>): Look<V> {
    const left = abortController()
    const look: Look<V> = {
      left,
      result: this.#run(key, name, { work, signal: left.signal }),
      waiters: 0,
      isOver: false,
    }
    const forget = () => {
      look.isOver = true
      if (name.next === undefined && name.underWay === undefined && this.#names.get(key) === name) {
        this.#names.delete(key)
      }
    }
    look.result.then(forget, forget)
    return look
  }

  async #run(
    key: string,
    name: Name<V>,
    { work, signal }: { readonly work: (signal: AbortSignal) => Promise<V | undefined>; readonly signal: AbortSignal },
  ) {
    // Those who come in the same turn share the look; and a look that was left while it waited does not begin.
    await Promise.resolve()
    while (name.underWay !== undefined) await abortable(name.underWay, signal)
    await this.#pause(key, name, signal)
    throwIfAborted(signal)
    name.next = undefined
    const { comings } = name
    name.wake = abortController()
    const beganMs = this.#clock.monotonicMs()
    const looking = work(signal)
    const ended = () => {
      name.underWay = undefined
    }
    name.underWay = looking.then(ended, ended)
    const found = await looking
    if (found === undefined && name.comings === comings) this.#inVain.set(key, beganMs)
    return found
  }

  async #pause(key: string, name: Name<V>, signal: AbortSignal): Promise<void> {
    const beganMs = this.#inVain.get(key)
    if (beganMs === undefined) return
    const leftMs = beganMs + this.#pauseMs - this.#clock.monotonicMs()
    try {
      if (leftMs > 0) await this.#clock.sleep(leftMs, { signal: anySignal([signal, name.wake.signal]) })
    } catch (err) {
      throwIfAborted(signal)
      if (!name.wake.signal.aborted) throw err
    }
  }
}
